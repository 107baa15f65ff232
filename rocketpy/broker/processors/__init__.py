"""The broker's requests: each module has a processor, whose methods marked `handles` answer one request each.

`send`, `send_back`, `pull` and `query` move messages; `client`, `offset` and `lock` serve consumers besides. The others
are for administrators: `topic`, `group`, `progress`, `queue`, `connection`, `consumer` and `broker`.
"""
