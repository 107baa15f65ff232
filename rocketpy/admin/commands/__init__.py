"""The sub-commands, one module for what is administered; `rocketpy.admin.catalog` finds them by name."""
