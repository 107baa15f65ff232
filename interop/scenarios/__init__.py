"""What holds for a RocketMQ 4.9 cluster, as official clients see it; one module a subject."""
