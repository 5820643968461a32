package main

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	eventhubs "github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/go-amqp"
)

// roundTrip sends the messages to partition 1, one by one, and reads them from there.
func roundTrip(ctx context.Context, messages ...*eventhubs.AMQPAnnotatedMessage) ([]*eventhubs.AMQPAnnotatedMessage, error) {
	client, err := eventhubs.NewProducerClientFromConnectionString(connection, emptyHub, nil)
	if err != nil {
		return nil, err
	}
	defer client.Close(ctx)
	properties, err := client.GetPartitionProperties(ctx, "1", nil)
	if err != nil {
		return nil, err
	}
	for _, message := range messages {
		batch, err := client.NewEventDataBatch(ctx, &eventhubs.EventDataBatchOptions{PartitionID: to.Ptr("1")})
		if err != nil {
			return nil, err
		}
		if err := batch.AddAMQPAnnotatedMessage(message, nil); err != nil {
			return nil, err
		}
		if err := client.SendEventDataBatch(ctx, batch, nil); err != nil {
			return nil, err
		}
	}
	consumer, err := eventhubs.NewConsumerClientFromConnectionString(connection, emptyHub, eventhubs.DefaultConsumerGroup, nil)
	if err != nil {
		return nil, err
	}
	defer consumer.Close(ctx)
	start := eventhubs.StartPosition{SequenceNumber: &properties.LastEnqueuedSequenceNumber}
	partition, err := consumer.NewPartitionClient("1", &eventhubs.PartitionClientOptions{StartPosition: start})
	if err != nil {
		return nil, err
	}
	defer partition.Close(ctx)
	events, err := partition.ReceiveEvents(ctx, len(messages), nil)
	var received []*eventhubs.AMQPAnnotatedMessage
	for _, event := range events {
		received = append(received, event.RawAMQPMessage)
	}
	return received, err
}

func bodyKinds(ctx context.Context) error {
	bodies := []eventhubs.AMQPAnnotatedMessageBody{
		{Value: map[string]any{"map": int64(1), "list": []any{"a", int64(2)}}},
		{Value: "text"},
		{Sequence: [][]any{{"a", int64(2), true}, {"second"}}},
		{Data: [][]byte{{0}, {255, 254}}},
	}
	var messages []*eventhubs.AMQPAnnotatedMessage
	for _, body := range bodies {
		messages = append(messages, &eventhubs.AMQPAnnotatedMessage{Body: body})
	}
	received, err := roundTrip(ctx, messages...)
	if err != nil {
		return err
	}
	for index, message := range received {
		if got, wanted := fmt.Sprint(message.Body), fmt.Sprint(bodies[index]); got != wanted {
			return fmt.Errorf("got %s instead of %s", got, wanted)
		}
	}
	return nil
}

func propertyTypes(ctx context.Context) error {
	sent := map[string]any{
		"boolean": true,
		"ubyte":   uint8(255), "ushort": uint16(65535), "uint": uint32(4294967295), "ulong": uint64(1) << 63,
		"byte": int8(-128), "short": int16(-32768), "int": int32(-2147483648), "long": int64(-1) << 63,
		"float": float32(0.5), "double": 0.1,
		"timestamp": time.UnixMilli(1700000000123).UTC(),
		"uuid":      amqp.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		"binary":    []byte{0, 255},
		"string":    "ä",
		"symbol":    amqp.Symbol("s"),
	}
	received, err := roundTrip(ctx, &eventhubs.AMQPAnnotatedMessage{
		Body:                  eventhubs.AMQPAnnotatedMessageBody{Data: [][]byte{[]byte("typed")}},
		ApplicationProperties: sent,
	})
	if err != nil {
		return err
	}
	sent["symbol"] = "s" // As a text.
	for name, value := range received[0].ApplicationProperties {
		if got, wanted := fmt.Sprintf("%T %v", value, value), fmt.Sprintf("%T %v", sent[name], sent[name]); got != wanted {
			return fmt.Errorf("%s: got %s instead of %s", name, got, wanted)
		}
	}
	return expect(len(received[0].ApplicationProperties) == len(sent), "got %v", received[0].ApplicationProperties)
}
