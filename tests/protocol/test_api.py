"""Bodies in the bytes that fastjson made of Java's classes, each field set."""

from __future__ import annotations

import pytest

import rocketpy.protocol.api as api
from rocketpy.protocol.body import Body
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.header import API

ROWS = [
    (
        "BrokerStatsData",
        '{"statsDay":{"avgpt":9.5,"sum":7,"tps":8.5},"statsHour":{"avgpt":6.5,"sum":4,"tps":5.5},"statsMinute'
        '":{"avgpt":3.5,"sum":1,"tps":2.5}}',
    ),
    (
        "CheckClientRequestBody",
        '{"clientId":"s1","group":"s2","subscriptionData":{"classFilterMode":false,"codeSet":[7],"expressionT'
        'ype":"s9","subString":"s5","subVersion":8,"tagsSet":["s6"],"topic":"s4"}}',
    ),
    (
        "ClusterAclVersionInfo",
        '{"aclConfigDataVersion":{"counter":4,"timestamp":3},"allAclConfigDataVersion":{"s5":{"counter":7,"ti'
        'mestamp":6}},"brokerAddr":"s2","brokerName":"s1","clusterName":"s8"}',
    ),
    (
        "ClusterInfo",
        '{"brokerAddrTable":{"s1":{"brokerAddrs":{4:"s5"},"brokerName":"s3","cluster":"s2"}},"clusterAddrTabl'
        'e":{"s6":["s7"]}}',
    ),
    (
        "ConsumeMessageDirectlyResult",
        '{"autoCommit":true,"consumeResult":"CR_SUCCESS","order":false,"remark":"s3","spentTimeMills":4}',
    ),
    (
        "ConsumeQueueData",
        '{"bitMap":"s5","eval":true,"extendDataJson":"s4","msg":"s7","physicOffset":1,"physicSize":2,"tagsCode":3}',
    ),
    (
        "ConsumeStatsList",
        '{"brokerAddr":"s9","consumeStatsList":[{"s1":[{"consumeTps":8.5,"offsetTable":{{"brokerName":"s3","q'
        'ueueId":4,"topic":"s2"}:{"brokerOffset":5,"consumerOffset":6,"lastTimestamp":7}}}]}],"totalDiff":10}',
    ),
    (
        "ConsumerConnection",
        '{"connectionSet":[{"clientAddr":"s2","clientId":"s1","language":"JAVA","version":3}],"consumeFromWhe'
        're":"CONSUME_FROM_LAST_OFFSET","consumeType":"CONSUME_ACTIVELY","messageModel":"BROADCASTING","subsc'
        'riptionTable":{"s4":{"classFilterMode":false,"codeSet":[9],"expressionType":"s11","subString":"s7","'
        'subVersion":10,"tagsSet":["s8"],"topic":"s6"}}}',
    ),
    ("ConsumerOffsetSerializeWrapper", '{"offsetTable":{"s1":{2:3}}}'),
    (
        "ConsumerRunningInfo",
        '{"jstack":"s33","mqTable":{{"brokerName":"s10","queueId":11,"topic":"s9"}:{"cachedMsgCount":15,"cach'
        'edMsgMaxOffset":14,"cachedMsgMinOffset":13,"cachedMsgSizeInMiB":16,"commitOffset":12,"droped":false,'
        '"lastConsumeTimestamp":25,"lastLockTimestamp":22,"lastPullTimestamp":24,"locked":true,"transactionMs'
        'gCount":19,"transactionMsgMaxOffset":18,"transactionMsgMinOffset":17,"tryUnlockTimes":21}},"properti'
        'es":{"k":"v"},"statusTable":{"s26":{"consumeFailedMsgs":32,"consumeFailedTPS":31.5,"consumeOKTPS":30'
        '.5,"consumeRT":29.5,"pullRT":27.5,"pullTPS":28.5}},"subscriptionSet":[{"classFilterMode":false,"code'
        'Set":[5],"expressionType":"s7","subString":"s3","subVersion":6,"tagsSet":["s4"],"topic":"s2"}]}',
    ),
    (
        "GetConsumerStatusBody",
        '{"consumerTable":{"s5":{{"brokerName":"s7","queueId":8,"topic":"s6"}:9}},"messageQueueTable":{{"brok'
        'erName":"s2","queueId":3,"topic":"s1"}:4}}',
    ),
    ("GroupList", '{"groupList":["s1"]}'),
    ("KVTable", '{"table":{"s1":"s2"}}'),
    (
        "LockBatchRequestBody",
        '{"clientId":"s2","consumerGroup":"s1","mqSet":[{"brokerName":"s4","queueId":5,"topic":"s3"}]}',
    ),
    ("LockBatchResponseBody", '{"lockOKMQSet":[{"brokerName":"s2","queueId":3,"topic":"s1"}]}'),
    ("ProducerConnection", '{"connectionSet":[{"clientAddr":"s2","clientId":"s1","language":"JAVA","version":3}]}'),
    (
        "QueryConsumeQueueResponseBody",
        '{"filterData":"s9","maxQueueIndex":17,"minQueueIndex":18,"queueData":[{"bitMap":"s14","eval":false,"'
        'extendDataJson":"s13","msg":"s16","physicOffset":10,"physicSize":11,"tagsCode":12}],"subscriptionDat'
        'a":{"classFilterMode":false,"codeSet":[5],"expressionType":"s7","subString":"s3","subVersion":6,"tag'
        'sSet":["s4"],"topic":"s2"}}',
    ),
    (
        "QueryConsumeTimeSpanBody",
        '{"consumeTimeSpanSet":[{"consumeTimeStamp":6,"consumeTimeStampStr":"1970-01-01#00:00:00:006","delayT'
        'ime":7,"maxTimeStamp":5,"maxTimeStampStr":"1970-01-01#00:00:00:005","messageQueue":{"brokerName":"s2'
        '","queueId":3,"topic":"s1"},"minTimeStamp":4,"minTimeStampStr":"1970-01-01#00:00:00:004"}]}',
    ),
    ("QueryCorrectionOffsetBody", '{"correctionOffsets":{1:2}}'),
    (
        "RegisterBrokerBody",
        '{"filterServerList":["s10"],"topicConfigSerializeWrapper":{"dataVersion":{"counter":9,"timestamp":8}'
        ',"topicConfigTable":{"s1":{"order":false,"perm":5,"readQueueNums":3,"topicFilterType":"SINGLE_TAG","'
        'topicName":"s2","topicSysFlag":6,"writeQueueNums":4}}}}',
    ),
    ("ResetOffsetBody", '{"offsetTable":{{"brokerName":"s2","queueId":3,"topic":"s1"}:4}}'),
    (
        "SubscriptionGroupWrapper",
        '{"dataVersion":{"counter":12,"timestamp":11},"subscriptionGroupTable":{"s1":{"brokerId":8,"consumeBr'
        'oadcastEnable":false,"consumeEnable":false,"consumeFromMinEnable":true,"groupName":"s2","notifyConsu'
        'merIdsChangedEnable":true,"retryMaxTimes":7,"retryQueueNums":6,"whichBrokerWhenConsumeSlowly":9}}}',
    ),
    (
        "TopicConfigSerializeWrapper",
        '{"dataVersion":{"counter":9,"timestamp":8},"topicConfigTable":{"s1":{"order":false,"perm":5,"readQue'
        'ueNums":3,"topicFilterType":"SINGLE_TAG","topicName":"s2","topicSysFlag":6,"writeQueueNums":4}}}',
    ),
    ("TopicList", '{"brokerAddr":"s2","topicList":["s1"]}'),
    (
        "UnlockBatchRequestBody",
        '{"clientId":"s2","consumerGroup":"s1","mqSet":[{"brokerName":"s4","queueId":5,"topic":"s3"}]}',
    ),
    ("GetConsumerListByGroupResponseBody", '{"consumerIdList":["s1"]}'),
    (
        "HeartbeatData",
        '{"clientID":"s1","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_LAST_OFFSET","consumeType":"CO'
        'NSUME_ACTIVELY","groupName":"s3","messageModel":"BROADCASTING","subscriptionDataSet":[{"classFilterM'
        'ode":true,"codeSet":[8],"expressionType":"s10","subString":"s6","subVersion":9,"tagsSet":["s7"],"top'
        'ic":"s5"}],"unitMode":true}],"producerDataSet":[{"groupName":"s2"}]}',
    ),
    (
        "TopicRouteData",
        '{"brokerDatas":[{"brokerAddrs":{9:"s10"},"brokerName":"s8","cluster":"s7"}],"filterServerTable":{"s1'
        '1":["s12"]},"orderTopicConf":"s1","queueDatas":[{"brokerName":"s2","perm":5,"readQueueNums":3,"topic'
        'SysFlag":6,"writeQueueNums":4}]}',
    ),
    (
        "OffsetMovedEvent",
        '{"consumerGroup":"s1","messageQueue":{"brokerName":"s3","queueId":4,"topic":"s2"},"offsetNew":6,"off'
        'setRequest":5}',
    ),
    (
        "TopicStatsTable",
        '{"offsetTable":{{"brokerName":"s2","queueId":3,"topic":"s1"}:{"lastUpdateTimestamp":6,"maxOffset":5,'
        '"minOffset":4}}}',
    ),
    (
        "ConsumeStats",
        '{"consumeTps":7.5,"offsetTable":{{"brokerName":"s2","queueId":3,"topic":"s1"}:{"brokerOffset":4,"con'
        'sumerOffset":5,"lastTimestamp":6}}}',
    ),
    (
        "AclConfig",
        '{"globalWhiteAddrs":["s1"],"plainAccessConfigs":[{"accessKey":"s2","admin":false,"defaultGroupPerm":'
        '"s7","defaultTopicPerm":"s6","groupPerms":["s9"],"secretKey":"s3","topicPerms":["s8"],"whiteRemoteAd'
        'dress":"s4"}]}',
    ),
    ("ResetOffsetBodyForC", '{"offsetTable":[{"brokerName":"b","offset":7,"queueId":1,"topic":"t"}]}'),
    (
        "ProducerTableInfo",
        '{"data":{"g":[{"clientId":"c","language":"GO","lastUpdateTimestamp":4,"remoteIP":"/1.2.3.4:5","versi'
        'on":409}]}}',
    ),
    ("DelayOffsetSerializeWrapper", '{"offsetTable":{1:42,18:7}}'),
]


def bodies() -> dict[str, type[Body]]:
    modules = [getattr(api, name) for name in api.__all__]
    found = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
    return {one.__name__: one for one in found if issubclass(one, Body) and one is not Body}


@pytest.mark.parametrize(("name", "text"), ROWS)
def test_a_body_of_java_goes_both_ways(name: str, text: str) -> None:
    declared = bodies()[name]
    read = declared.from_json(text)
    assert read.to_json() == text.encode()
    assert "{{" in text or declared.from_json(read.to_json(standard=True)) == read
    assert declared.from_json(read.to_json(pretty=True)) == read
    assert read != declared()


def test_every_body_has_a_row_or_is_part_of_one() -> None:
    named = {name for name, _ in ROWS}
    used = " ".join(str(one.__annotations__) for one in bodies().values())
    assert [name for name in bodies() if name not in named and name not in used] == []


def test_every_code_is_declared_once() -> None:
    assert set(API) == set(RequestCode)
    for code, declared in API.items():
        assert code in declared.codes


def test_every_declaration_names_where_java_has_it() -> None:
    declared = {*API.values(), *(one.reply for one in API.values() if one.reply), *bodies().values()}
    assert [one.__name__ for one in declared if "(" not in (one.__doc__ or "")] == []
