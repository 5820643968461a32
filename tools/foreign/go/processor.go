package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	eventhubs "github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

// memoryStore keeps owners and checkpoints of one hub and one consumer group.
type memoryStore struct {
	mutex       sync.Mutex
	version     int
	owners      map[string]eventhubs.Ownership
	checkpoints map[string]eventhubs.Checkpoint
}

func newMemoryStore() *memoryStore {
	return &memoryStore{owners: map[string]eventhubs.Ownership{}, checkpoints: map[string]eventhubs.Checkpoint{}}
}

func (store *memoryStore) ClaimOwnership(_ context.Context, claims []eventhubs.Ownership, _ *eventhubs.ClaimOwnershipOptions) ([]eventhubs.Ownership, error) {
	store.mutex.Lock()
	defer store.mutex.Unlock()
	var claimed []eventhubs.Ownership
	for _, claim := range claims {
		owned, exists := store.owners[claim.PartitionID]
		if exists && (claim.ETag == nil || *claim.ETag != *owned.ETag) {
			continue
		}
		store.version++
		claim.ETag = to.Ptr(azcore.ETag(fmt.Sprint(store.version)))
		claim.LastModifiedTime = time.Now()
		store.owners[claim.PartitionID] = claim
		claimed = append(claimed, claim)
	}
	return claimed, nil
}

func (store *memoryStore) ListCheckpoints(context.Context, string, string, string, *eventhubs.ListCheckpointsOptions) ([]eventhubs.Checkpoint, error) {
	store.mutex.Lock()
	defer store.mutex.Unlock()
	var checkpoints []eventhubs.Checkpoint
	for _, checkpoint := range store.checkpoints {
		checkpoints = append(checkpoints, checkpoint)
	}
	return checkpoints, nil
}

func (store *memoryStore) ListOwnership(context.Context, string, string, string, *eventhubs.ListOwnershipOptions) ([]eventhubs.Ownership, error) {
	store.mutex.Lock()
	defer store.mutex.Unlock()
	var owners []eventhubs.Ownership
	for _, owner := range store.owners {
		owners = append(owners, owner)
	}
	return owners, nil
}

func (store *memoryStore) SetCheckpoint(_ context.Context, checkpoint eventhubs.Checkpoint, _ *eventhubs.SetCheckpointOptions) error {
	store.mutex.Lock()
	defer store.mutex.Unlock()
	store.checkpoints[checkpoint.PartitionID] = checkpoint
	return nil
}

// runningProcessor notes bodies with their partitions, and writes a checkpoint after each event.
type runningProcessor struct {
	mutex  sync.Mutex
	bodies []string
	failed error
	stop   func()
}

func (running *runningProcessor) seen() []string {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	return slices.Clone(running.bodies)
}

func (running *runningProcessor) fail(err error) {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	if running.failed == nil && !errors.Is(err, context.Canceled) {
		running.failed = err
	}
}

func (running *runningProcessor) wait(ctx context.Context, holds func(seen []string) bool) error {
	for !holds(running.seen()) {
		running.mutex.Lock()
		failed := running.failed
		running.mutex.Unlock()
		if failed != nil {
			return failed
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w after %v", ctx.Err(), running.seen())
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

func startProcessor(store *memoryStore) (*runningProcessor, error) {
	consumer, err := eventhubs.NewConsumerClientFromConnectionString(connection, emptyHub, eventhubs.DefaultConsumerGroup, nil)
	if err != nil {
		return nil, err
	}
	processor, err := eventhubs.NewProcessor(consumer, store, &eventhubs.ProcessorOptions{
		LoadBalancingStrategy: eventhubs.ProcessorStrategyGreedy,
		UpdateInterval:        300 * time.Millisecond,
		StartPositions:        eventhubs.StartPositions{Default: eventhubs.StartPosition{Earliest: to.Ptr(true)}},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := &runningProcessor{}
	var ended sync.WaitGroup
	ended.Go(func() { running.fail(processor.Run(ctx)) })
	ended.Go(func() {
		for {
			client := processor.NextPartitionClient(ctx)
			if client == nil {
				return
			}
			ended.Go(func() { running.fail(running.read(ctx, client)) })
		}
	})
	running.stop = func() {
		cancel()
		ended.Wait()
		consumer.Close(context.Background())
	}
	return running, nil
}

func (running *runningProcessor) read(ctx context.Context, client *eventhubs.ProcessorPartitionClient) error {
	defer client.Close(context.Background())
	for {
		events, err := client.ReceiveEvents(ctx, 1, nil)
		var known *eventhubs.Error
		if errors.As(err, &known) && known.Code == eventhubs.ErrorCodeOwnershipLost {
			return nil
		}
		if err != nil {
			return err
		}
		running.mutex.Lock()
		for _, event := range events {
			running.bodies = append(running.bodies, client.PartitionID()+" "+string(event.Body))
		}
		running.mutex.Unlock()
		if err := client.UpdateCheckpoint(ctx, events[len(events)-1], nil); err != nil {
			return err
		}
	}
}

func sendToBoth(ctx context.Context, bodies ...string) error {
	client, err := eventhubs.NewProducerClientFromConnectionString(connection, emptyHub, nil)
	if err != nil {
		return err
	}
	defer client.Close(ctx)
	for _, partition := range []string{"0", "1"} {
		var events []*eventhubs.EventData
		for _, body := range bodies {
			events = append(events, text(body))
		}
		if err := send(ctx, client, &eventhubs.EventDataBatchOptions{PartitionID: &partition}, events...); err != nil {
			return err
		}
	}
	return nil
}

func processorGoesOn(ctx context.Context) error {
	store := newMemoryStore()
	if err := sendToBoth(ctx, "a", "b", "c"); err != nil {
		return err
	}
	first, err := startProcessor(store)
	if err != nil {
		return err
	}
	err = first.wait(ctx, func(seen []string) bool { return len(seen) >= 6 })
	first.stop()
	if err != nil {
		return err
	}
	if err := sendToBoth(ctx, "d"); err != nil {
		return err
	}
	second, err := startProcessor(store)
	if err != nil {
		return err
	}
	err = second.wait(ctx, func(seen []string) bool { return len(seen) >= 2 })
	second.stop()
	if err != nil {
		return err
	}
	seen := second.seen()
	slices.Sort(seen)
	return expect(slices.Equal(seen, []string{"0 d", "1 d"}), "got %v", seen)
}

func processorsShare(ctx context.Context) error {
	store := newMemoryStore()
	var processors []*runningProcessor
	for range 2 {
		running, err := startProcessor(store)
		if err != nil {
			return err
		}
		defer running.stop()
		processors = append(processors, running)
	}
	// Each round sends one event to each partition, until each processor gets one of them.
	for round := 0; ctx.Err() == nil; round++ {
		body := fmt.Sprintf("shared %d", round)
		if err := sendToBoth(ctx, body); err != nil {
			return err
		}
		var got []string
		for waits := 0; waits < 100 && strings.Count(strings.Join(got, ""), body) < 2; waits++ {
			time.Sleep(30 * time.Millisecond)
			got = nil
			for _, running := range processors {
				ofOthers := func(seen string) bool { return !strings.HasSuffix(seen, body) }
				got = append(got, strings.Join(slices.DeleteFunc(running.seen(), ofOthers), " and "))
			}
			slices.Sort(got)
		}
		if slices.Equal(got, []string{"0 " + body, "1 " + body}) {
			return nil
		}
	}
	return fmt.Errorf("%w: %v and %v", ctx.Err(), processors[0].seen(), processors[1].seen())
}
