"""Confluent's own Python client against our topics: nothing of the product is used but its registry.

confluent.py read REGISTRY BROKERS TOPIC COUNT     prints each value of the topic as a line of JSON
confluent.py write REGISTRY BROKERS TOPIC SUBJECT-TOPIC MESSAGE   JSON on stdin, one record to TOPIC
"""

import base64
import json
import sys

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf import duration_pb2, timestamp_pb2

FORMAT = {"use.deprecated.format": False}


def main():
    command, url, brokers, topic, *rest = sys.argv[1:]
    registry = SchemaRegistryClient({"url": url})
    if command == "read":
        read(registry, brokers, topic, int(rest[0]))
    else:
        write(registry, brokers, topic, *rest)


def read(registry, brokers, topic, count):
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{topic}confluent",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([topic])
    left = count
    while left > 0:
        record = consumer.poll(30)
        if record is None or record.error():
            raise SystemExit(f"no record: {record and record.error()}")
        left -= 1
        pool, file = described(registry, registry.get_schema(id_of(record.value()), fmt="serialized"))
        names = [message.name for message in file.message_type]
        name = f"{file.package}.{names[index_of(record.value())]}"
        message_class = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
        decode = ProtobufDeserializer(message_class, FORMAT, registry)
        message = decode(record.value(), SerializationContext(topic, MessageField.VALUE))
        value = json_format.MessageToDict(message, descriptor_pool=pool)
        print(json.dumps({"key": record.key().decode(), "name": name, "value": value}))
    consumer.close()


def write(registry, brokers, topic, subject_topic, name):
    latest = registry.get_latest_version(f"{subject_topic}-value", fmt="serialized")
    pool, _ = described(registry, latest.schema)
    message_class = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    message = json_format.Parse(sys.stdin.read(), message_class(), descriptor_pool=pool)
    encode = ProtobufSerializer(message_class, registry, {**FORMAT, "auto.register.schemas": False})
    value = encode(message, SerializationContext(subject_topic, MessageField.VALUE))
    producer = Producer({"bootstrap.servers": brokers})
    producer.produce(topic, key=b"m1", value=value)
    if producer.flush(30) > 0:
        raise SystemExit("not delivered")


def described(registry, schema):
    """The schema's file with everything that it imports, all of it from the registry."""
    pool = descriptor_pool.DescriptorPool()
    for known in (descriptor_pb2, timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    added = set()

    def add(one):
        for reference in one.references or []:
            if reference.name not in added:
                added.add(reference.name)
                version = registry.get_version(
                    reference.subject, reference.version, fmt="serialized"
                )
                add(version.schema)
        file = descriptor_pb2.FileDescriptorProto()
        file.ParseFromString(base64.b64decode(one.schema_str))
        pool.Add(file)
        return file

    return pool, add(schema)


def id_of(value):
    return int.from_bytes(value[1:5], "big")


def index_of(value):
    """The frame's first index: zigzag, small enough here for a byte."""
    return 0 if value[5] == 0 else value[6] // 2


main()
