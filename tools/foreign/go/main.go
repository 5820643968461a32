// Walks the list of features (../features.ts) with the Go SDK and prints how each went.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	eventhubs "github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/coder/websocket"
)

var (
	connection    = os.Getenv("EMULATOR_CONNECTION")
	tlsConnection = os.Getenv("EMULATOR_TLS_CONNECTION")
	tlsEndpoint   = os.Getenv("EMULATOR_TLS_ENDPOINT")
	control       = os.Getenv("EMULATOR_CONTROL")
	hub           = os.Getenv("EMULATOR_HUB")
	emptyHub      = os.Getenv("EMULATOR_EMPTY_HUB")
	noRetries     = eventhubs.RetryOptions{MaxRetries: -1}
)

func feature(name string, run func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Printf("fails %s %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("works %s\n", name)
}

func expect(holds bool, format string, values ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf(format, values...)
}

func producer(connection string, options *eventhubs.ProducerClientOptions) (*eventhubs.ProducerClient, error) {
	return eventhubs.NewProducerClientFromConnectionString(connection, hub, options)
}

func send(ctx context.Context, client *eventhubs.ProducerClient, options *eventhubs.EventDataBatchOptions, events ...*eventhubs.EventData) error {
	batch, err := client.NewEventDataBatch(ctx, options)
	if err != nil {
		return err
	}
	for _, event := range events {
		if err := batch.AddEventData(event, nil); err != nil {
			return err
		}
	}
	return client.SendEventDataBatch(ctx, batch, nil)
}

func text(body string) *eventhubs.EventData { return &eventhubs.EventData{Body: []byte(body)} }

func to0() *eventhubs.EventDataBatchOptions {
	return &eventhubs.EventDataBatchOptions{PartitionID: to.Ptr("0")}
}

func receive(ctx context.Context, group string, start eventhubs.StartPosition, count int, options *eventhubs.ConsumerClientOptions, connection string) ([]*eventhubs.ReceivedEventData, error) {
	consumer, err := eventhubs.NewConsumerClientFromConnectionString(connection, hub, group, options)
	if err != nil {
		return nil, err
	}
	defer consumer.Close(ctx)
	partition, err := consumer.NewPartitionClient("0", &eventhubs.PartitionClientOptions{StartPosition: start})
	if err != nil {
		return nil, err
	}
	defer partition.Close(ctx)
	var events []*eventhubs.ReceivedEventData
	for len(events) < count {
		more, err := partition.ReceiveEvents(ctx, count-len(events), nil)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	return events, nil
}

func trusted() *tls.Config {
	pem, _ := os.ReadFile(os.Getenv("EMULATOR_CA_FILE"))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "throughput" {
		events, _ := strconv.Atoi(os.Getenv("EMULATOR_EVENTS"))
		if err := measureThroughput(context.Background(), events); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	client, err := producer(connection, nil)
	if err != nil {
		fmt.Println("fails connect", err)
		os.Exit(1)
	}
	defer client.Close(context.Background())
	earliest := eventhubs.StartPosition{Earliest: to.Ptr(true)}
	var middle time.Time

	feature("hub-properties", func(ctx context.Context) error {
		properties, err := client.GetEventHubProperties(ctx, nil)
		if err != nil {
			return err
		}
		return expect(properties.Name == hub && len(properties.PartitionIDs) == 2, "got %v", properties)
	})
	feature("send-to-partition", func(ctx context.Context) error {
		event := text("first")
		event.Properties = map[string]any{"text": "a", "long": int64(1) << 40, "flag": true, "double": 1.5}
		event.MessageID = to.Ptr("id-1")
		return send(ctx, client, to0(), event)
	})
	time.Sleep(20 * time.Millisecond)
	middle = time.Now()
	time.Sleep(20 * time.Millisecond)
	feature("send-batch", func(ctx context.Context) error {
		return send(ctx, client, to0(), text("second"), text("third"), text("fourth"))
	})
	feature("partition-key", func(ctx context.Context) error {
		before := [2]int64{}
		count := func() (counts [2]int64, err error) {
			for index, id := range []string{"0", "1"} {
				properties, err := client.GetPartitionProperties(ctx, id, nil)
				if err != nil {
					return counts, err
				}
				counts[index] = properties.LastEnqueuedSequenceNumber
			}
			return counts, nil
		}
		before, err := count()
		if err != nil {
			return err
		}
		for range 4 {
			if err := send(ctx, client, &eventhubs.EventDataBatchOptions{PartitionKey: to.Ptr("key")}, text("keyed")); err != nil {
				return err
			}
		}
		after, err := count()
		if err != nil {
			return err
		}
		first, second := after[0]-before[0], after[1]-before[1]
		return expect(first+second == 4 && first*second == 0, "the key went to both partitions: %d, %d", first, second)
	})
	feature("partition-properties", func(ctx context.Context) error {
		properties, err := client.GetPartitionProperties(ctx, "0", nil)
		if err != nil {
			return err
		}
		return expect(properties.LastEnqueuedSequenceNumber >= 3 && !properties.IsEmpty && properties.LastEnqueuedOffset != "", "got %v", properties)
	})
	feature("receive", func(ctx context.Context) error {
		events, err := receive(ctx, "$Default", earliest, 4, nil, connection)
		if err != nil {
			return err
		}
		first := events[0]
		return expect(
			string(first.Body) == "first" && first.SequenceNumber == 0 && first.EnqueuedTime != nil && *first.MessageID == "id-1" &&
				first.Properties["long"] == int64(1)<<40 && first.Properties["flag"] == true && string(events[3].Body) == "fourth",
			"got %v", first)
	})
	feature("start-at-sequence-number", func(ctx context.Context) error {
		events, err := receive(ctx, "$Default", eventhubs.StartPosition{SequenceNumber: to.Ptr(int64(1))}, 1, nil, connection)
		if err != nil {
			return err
		}
		return expect(events[0].SequenceNumber == 2, "got %d", events[0].SequenceNumber)
	})
	feature("start-at-offset", func(ctx context.Context) error {
		events, err := receive(ctx, "$Default", earliest, 2, nil, connection)
		if err != nil {
			return err
		}
		events, err = receive(ctx, "$Default", eventhubs.StartPosition{Offset: to.Ptr(events[1].Offset), Inclusive: true}, 1, nil, connection)
		if err != nil {
			return err
		}
		return expect(events[0].SequenceNumber == 1, "got %d", events[0].SequenceNumber)
	})
	feature("start-at-time", func(ctx context.Context) error {
		events, err := receive(ctx, "$Default", eventhubs.StartPosition{EnqueuedTime: &middle}, 1, nil, connection)
		if err != nil {
			return err
		}
		return expect(string(events[0].Body) == "second", "got %s", events[0].Body)
	})
	feature("consumer-group", func(ctx context.Context) error {
		events, err := receive(ctx, "other", earliest, 1, nil, connection)
		if err != nil {
			return err
		}
		return expect(string(events[0].Body) == "first", "got %s", events[0].Body)
	})
	feature("owner-level", func(ctx context.Context) error {
		consumer, err := eventhubs.NewConsumerClientFromConnectionString(connection, hub, "$Default", nil)
		if err != nil {
			return err
		}
		defer consumer.Close(ctx)
		open := func(level int64) *eventhubs.PartitionClient {
			partition, _ := consumer.NewPartitionClient("0", &eventhubs.PartitionClientOptions{StartPosition: earliest, OwnerLevel: to.Ptr(level)})
			return partition
		}
		low, high := open(1), open(2)
		defer low.Close(ctx)
		defer high.Close(ctx)
		if _, err := low.ReceiveEvents(ctx, 1, nil); err != nil {
			return err
		}
		if _, err := high.ReceiveEvents(ctx, 1, nil); err != nil {
			return err
		}
		for err == nil {
			_, err = low.ReceiveEvents(ctx, 100, nil)
		}
		var known *eventhubs.Error
		return expect(errors.As(err, &known) && known.Code == eventhubs.ErrorCodeOwnershipLost, "got %v", err)
	})
	feature("many-events", func(ctx context.Context) error {
		for range 20 {
			events := make([]*eventhubs.EventData, 100)
			for index := range events {
				events[index] = text(strings.Repeat("x", 1000))
			}
			if err := send(ctx, client, to0(), events...); err != nil {
				return err
			}
		}
		_, err := receive(ctx, "$Default", earliest, 2004, nil, connection)
		return err
	})
	feature("too-large", func(ctx context.Context) error {
		// The SDK refuses an event over the size that the link announces before it sends it.
		batch, err := client.NewEventDataBatch(ctx, nil)
		if err != nil {
			return err
		}
		err = batch.AddEventData(text(strings.Repeat("x", 2*1024*1024)), nil)
		return expect(errors.Is(err, eventhubs.ErrEventDataTooLarge), "got %v", err)
	})
	feature("throttled", func(ctx context.Context) error {
		if _, err := http.Get("http://" + control + "/throttle"); err != nil {
			return err
		}
		patient, err := producer(connection, &eventhubs.ProducerClientOptions{RetryOptions: eventhubs.RetryOptions{RetryDelay: time.Millisecond}})
		if err != nil {
			return err
		}
		defer patient.Close(ctx)
		return send(ctx, patient, to0(), text("throttled"))
	})
	feature("wrong-key", func(ctx context.Context) error {
		parts := strings.Split(connection, "SharedAccessKey=")
		wrong := parts[0] + "SharedAccessKey=d3Jvbmc=" + parts[1][strings.Index(parts[1], ";"):]
		stranger, err := producer(wrong, &eventhubs.ProducerClientOptions{RetryOptions: noRetries})
		if err != nil {
			return err
		}
		defer stranger.Close(ctx)
		err = send(ctx, stranger, to0(), text("x"))
		var known *eventhubs.Error
		return expect(errors.As(err, &known) && known.Code == eventhubs.ErrorCodeUnauthorizedAccess, "got %v", err)
	})
	feature("unknown-hub", func(ctx context.Context) error {
		lost, err := eventhubs.NewProducerClientFromConnectionString(connection, "nowhere", &eventhubs.ProducerClientOptions{RetryOptions: noRetries})
		if err != nil {
			return err
		}
		defer lost.Close(ctx)
		err = send(ctx, lost, to0(), text("x"))
		return expect(err != nil && strings.Contains(err.Error(), "not-found"), "got %v", err)
	})
	feature("tls", func(ctx context.Context) error {
		secure, err := producer(tlsConnection, &eventhubs.ProducerClientOptions{TLSConfig: trusted(), CustomEndpoint: tlsEndpoint})
		if err != nil {
			return err
		}
		defer secure.Close(ctx)
		return send(ctx, secure, to0(), text("secure"))
	})
	feature("websocket", func(ctx context.Context) error {
		dial := func(ctx context.Context, args eventhubs.WebSocketConnParams) (net.Conn, error) {
			options := &websocket.DialOptions{
				Subprotocols: []string{"amqp"},
				HTTPClient:   &http.Client{Transport: &http.Transport{TLSClientConfig: trusted()}},
			}
			// The SDK names the host of the namespace; the emulator's port is not the service's.
			socket, _, err := websocket.Dial(ctx, "wss://"+tlsEndpoint+"/$servicebus/websocket", options)
			if err != nil {
				return nil, err
			}
			return websocket.NetConn(context.Background(), socket, websocket.MessageBinary), nil
		}
		far, err := producer(tlsConnection, &eventhubs.ProducerClientOptions{NewWebSocketConn: dial})
		if err != nil {
			return err
		}
		defer far.Close(ctx)
		return send(ctx, far, to0(), text("far"))
	})
	feature("processor", processorGoesOn)
	feature("processors-share", processorsShare)
	fmt.Println("lacks buffered-producer")
	feature("body-kinds", bodyKinds)
	feature("property-types", propertyTypes)
}
