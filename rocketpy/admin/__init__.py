"""mqadmin: the sub-commands of the official one, with its text, its errors and its exit statuses.

- `startup`: from the words of a command line to a command, or to the overview; `catalog` knows which there are
- `options`, `invocation`: how a command and its options are declared, read and run; `errors`: what ends one
- `commands/`: the commands themselves
- `client`, `clusters`, `messages`, `sending`: what they ask name servers and brokers; `format`: how Java prints it
"""
