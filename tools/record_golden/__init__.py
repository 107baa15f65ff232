"""Records what the official servers answer, and what they leave on disk, as golden data under compat/.

    python -m tools.record_golden frames        compat/frames.json5: every answer of a name server and a broker;
                                                compat/runtime_info.json5
    python -m tools.record_golden stores        compat/stores/: small store directories, and what is in them;
                                                with names after it, only those

The servers run in a directory of their own, on free ports, and are asked over plain sockets (`exchange`).
"""
