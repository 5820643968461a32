package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	eventhubs "github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

// measureThroughput sends events of 1 KB in batches of 100 to two partitions, reads them with one client, and prints both rates.
func measureThroughput(ctx context.Context, events int) error {
	client, err := eventhubs.NewProducerClientFromConnectionString(connection, emptyHub, nil)
	if err != nil {
		return err
	}
	defer client.Close(ctx)
	if _, err := client.GetEventHubProperties(ctx, nil); err != nil {
		return err
	}
	body := strings.Repeat("x", 1000)
	err = measure("in", events, func(partition string) error {
		for sent := 0; sent < events/2; sent += 100 {
			batch := make([]*eventhubs.EventData, 100)
			for index := range batch {
				batch[index] = text(body)
			}
			if err := send(ctx, client, &eventhubs.EventDataBatchOptions{PartitionID: &partition}, batch...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	consumer, err := eventhubs.NewConsumerClientFromConnectionString(connection, emptyHub, eventhubs.DefaultConsumerGroup, nil)
	if err != nil {
		return err
	}
	defer consumer.Close(ctx)
	return measure("out", events, func(partition string) error {
		options := eventhubs.PartitionClientOptions{StartPosition: eventhubs.StartPosition{Earliest: to.Ptr(true)}, Prefetch: 3000}
		reader, err := consumer.NewPartitionClient(partition, &options)
		if err != nil {
			return err
		}
		defer reader.Close(ctx)
		for received := 0; received < events/2; {
			more, err := reader.ReceiveEvents(ctx, min(1000, events/2-received), nil)
			if err != nil {
				return err
			}
			received += len(more)
		}
		return nil
	})
}

// measure does it for both partitions at once.
func measure(way string, events int, run func(partition string) error) error {
	started := time.Now()
	var (
		both   sync.WaitGroup
		failed [2]error
	)
	for index, partition := range []string{"0", "1"} {
		both.Go(func() { failed[index] = run(partition) })
	}
	both.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	fmt.Printf("rate %s %.0f\n", way, float64(events)/time.Since(started).Seconds())
	return nil
}
