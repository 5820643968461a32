//! Processors, that is consumers with a checkpoint store, and buffered producers.

use crate::{consumer, expect, from, producer, setting, Outcome};
use azure_core::time::Duration;
use azure_messaging_eventhubs::models::StartPositions;
use azure_messaging_eventhubs::{
    BufferedProducerClient, EnqueueEventOptions, EventDataBatchOptions, EventProcessor, InMemoryCheckpointStore, RetryOptions,
    StartLocation,
};
use futures::StreamExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

/// Notes bodies with their partitions, and writes a checkpoint after each event.
struct Running {
    seen: Arc<Mutex<Vec<String>>>,
    tasks: JoinSet<()>,
}

impl Running {
    async fn start(store: Arc<InMemoryCheckpointStore>) -> Outcome<Running> {
        let processor = EventProcessor::builder()
            .with_update_interval(Duration::milliseconds(300))
            // The SDK gives nothing up when it ends: the next processor waits for this long.
            .with_partition_expiration_duration(Duration::seconds(2))
            // After a checkpoint, the SDK starts as inclusively as it is told to start without one.
            .with_start_positions(StartPositions {
                default: from(StartLocation::Earliest, false).start_position.unwrap_or_default(),
                ..Default::default()
            })
            .build(consumer("$Default", &setting("EMULATOR_EMPTY_HUB")).await?, store)
            .await?;
        let mut running = Running { seen: Default::default(), tasks: JoinSet::new() };
        let seen = running.seen.clone();
        let balancing = processor.clone();
        running.tasks.spawn(async move {
            let _ = balancing.run().await;
        });
        running.tasks.spawn_local(async move {
            let mut readers = JoinSet::new();
            while let Ok(client) = processor.next_partition_client().await {
                let seen = seen.clone();
                readers.spawn_local(async move {
                    let mut stream = Box::pin(client.stream_events());
                    while let Some(Ok(event)) = stream.next().await {
                        seen.lock().unwrap().push(format!("{} {}", client.get_partition_id(), crate::body(&event)));
                        if client.update_checkpoint(&event).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Ok(running)
    }

    fn seen(&self) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort();
        seen
    }

    async fn wait(&self, count: usize) {
        while self.seen().len() < count {
            pause(20).await;
        }
    }

    async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
}

async fn send_to_both(bodies: &[&str]) -> Outcome {
    let client = producer(&setting("EMULATOR_TLS_CONNECTION"), &setting("EMULATOR_EMPTY_HUB"), RetryOptions::default()).await?;
    for partition in ["0", "1"] {
        let options = EventDataBatchOptions { partition_id: Some(partition.into()), ..Default::default() };
        let batch = client.create_batch(Some(options)).await?;
        for body in bodies {
            batch.try_add_event_data(*body, None)?;
        }
        client.send_batch(batch, None).await?;
    }
    Ok(client.close().await?)
}

pub async fn goes_on() -> Outcome {
    let store = Arc::new(InMemoryCheckpointStore::new());
    send_to_both(&["a", "b", "c"]).await?;
    let first = Running::start(store.clone()).await?;
    first.wait(6).await;
    pause(100).await; // For the last checkpoint.
    first.stop().await;
    send_to_both(&["d"]).await?;
    let second = Running::start(store).await?;
    second.wait(2).await;
    let seen = second.seen();
    second.stop().await;
    expect(seen == ["0 d", "1 d"], seen)
}

/// Each round sends one event to each partition, until each processor gets one of them.
pub async fn share() -> Outcome {
    let store = Arc::new(InMemoryCheckpointStore::new());
    let processors = [Running::start(store.clone()).await?, Running::start(store).await?];
    for round in 0.. {
        let body = format!("shared {round}");
        send_to_both(&[&body]).await?;
        let of_round = |running: &Running| running.seen().into_iter().filter(|seen| seen.ends_with(&body)).collect::<Vec<_>>();
        let mut got = [vec![], vec![]];
        for _ in 0..100 {
            got = [of_round(&processors[0]), of_round(&processors[1])];
            if got[0].len() + got[1].len() >= 2 {
                break;
            }
            pause(30).await;
        }
        got.sort();
        if got == [[format!("0 {body}")], [format!("1 {body}")]] {
            break;
        }
    }
    for running in processors {
        running.stop().await;
    }
    Ok(())
}

pub async fn buffered() -> Outcome {
    let [accepted, failed] = [0, 1].map(|_| Arc::new(AtomicUsize::new(0)));
    let [count_accepted, count_failed] = [accepted.clone(), failed.clone()];
    let hub = setting("EMULATOR_EMPTY_HUB");
    let client = BufferedProducerClient::builder()
        .with_custom_endpoint(crate::endpoint())
        .with_on_send_succeeded(move |context| {
            count_accepted.fetch_add(context.events.len(), Ordering::AcqRel);
            async {}
        })
        .with_on_send_failed(move |context| {
            count_failed.fetch_add(context.events.len(), Ordering::AcqRel);
            async {}
        })
        .open_with_connection_string(&setting("EMULATOR_TLS_CONNECTION"), Some(&hub))
        .await?;
    let reader = producer(&setting("EMULATOR_TLS_CONNECTION"), &hub, RetryOptions::default()).await?;
    let before = reader.get_partition_properties("0").await?.last_enqueued_sequence_number;
    for _ in 0..200 {
        let options = EnqueueEventOptions { partition_id: Some("0".into()), ..Default::default() };
        client.enqueue_event("buffered", Some(options)).await?;
    }
    client.flush().await?;
    let sent = reader.get_partition_properties("0").await?.last_enqueued_sequence_number - before;
    client.close().await?;
    let counts = (sent, accepted.load(Ordering::Acquire), failed.load(Ordering::Acquire));
    expect(counts == (200, 200, 0), counts)
}
