"""The broker: takes messages, keeps them, hands them out, and knows who wants them.

- The whole: `app.Broker` puts the parts together; `ports` and `store_jobs` keep it going; `namesrv_link` tells the name
  servers, under the name and addresses of `identity`; `advertised` doubts whether clients can reach it.
- Requests: `processors/`, one module a subject.
- Sending: `send_checks`, then `appender`, then `send_answers`; `durability` when a message has to be on disk, or at a
  slave, first.
- Pulling: `pull_checks`, then the store; `long_polling` when there is nothing yet; `offset_moved` when asked too far.
- Delay: `delay` delivers by levels; `timed` at any time, what `timer_intake` took in.
- Transactions: `appender` stores half messages, `transactions` ends them, `transaction_checks` asks about the rest.
- Tables: `topics`, `groups`, `offsets`, each in a `config_file`; `producers`, `consumers`, `queue_locks` in memory;
  `consumer_filters`, what groups filter by beyond tags, in a file again. `slow_groups` switches groups off that read
  too far behind; `light` is what differs with enableLmq and enableMultiDispatch.
- Who may do that: `acl/`. Masters and slaves: `replication/`.
- Figures: `stats` counts, `traffic` by topic and group, at the times of `sampling`; `runtime_info` shows.

All of it runs in one hub and takes no lock.

The hot path of a send is `SendProcessor.send`, `SendChecks.topic`, `Appender.append_stored`,
`BrokerStats.messages_put` and `SendAnswers.answer`; that of a pull `PullProcessor.pull`, `PullChecks.codes`, with a
filter `RecordMatcher.matches`, and `BrokerStats.messages_got`; between the two stands `LongPolling.messages_arrived`.
What waits also passes `DelayedMessages.step`, or `TransactionProcessor.end` and `HalfMessages`.
`python -m tools.bench.micro` and `tools.bench.in_process_features` measure them.
"""

from rocketpy.broker.app import Broker

__all__ = ["Broker"]
