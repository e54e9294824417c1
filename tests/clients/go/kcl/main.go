// One worker of vmware-go-kcl-v2, which tells what it hears and checkpoints after each batch: see workers.py.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/config"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/interfaces"
	"github.com/vmware/vmware-go-kcl-v2/clientlibrary/worker"
)

var telling sync.Mutex

func tell(words ...any) {
	telling.Lock()
	defer telling.Unlock()
	fmt.Println(words...)
}

type factory struct{}

func (factory) CreateProcessor() interfaces.IRecordProcessor {
	return &processor{}
}

// Tells of one shard.
type processor struct {
	shard string
}

func (p *processor) Initialize(input *interfaces.InitializationInput) {
	p.shard = input.ShardId
	tell("start", p.shard)
}

func (p *processor) ProcessRecords(input *interfaces.ProcessRecordsInput) {
	for _, record := range input.Records {
		tell("record", p.shard, *record.SequenceNumber, string(record.Data))
	}
	if len(input.Records) > 0 {
		last := input.Records[len(input.Records)-1].SequenceNumber
		if err := input.Checkpointer.Checkpoint(last); err != nil {
			// Whoever has the lease next goes on from the checkpoint before.
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func (p *processor) Shutdown(input *interfaces.ShutdownInput) {
	if input.ShutdownReason == interfaces.TERMINATE {
		tell("end", p.shard)
		if err := input.Checkpointer.Checkpoint(nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

func main() {
	// readme:begin
	settings := config.NewKinesisClientLibConfig(
		os.Getenv("APPLICATION"), os.Getenv("STREAM"), "us-east-1", os.Getenv("WORKER"),
	).
		WithKinesisEndpoint(os.Getenv("KINESIS_ENDPOINT")).  // "http://127.0.0.1:4566"
		WithDynamoDBEndpoint(os.Getenv("DYNAMODB_ENDPOINT")) // moto, or DynamoDB Local
	// readme:end
	settings.
		WithInitialPositionInStream(config.TRIM_HORIZON).
		WithIdleTimeBetweenReadsInMillis(250).
		WithShardSyncIntervalMillis(1_000).
		WithFailoverTimeMillis(5_000).
		WithLeaseRefreshPeriodMillis(2_000).
		WithEnhancedFanOutConsumer(os.Getenv("RETRIEVAL") == "FANOUT")
	consumer := worker.NewWorker(factory{}, settings)
	if err := consumer.Start(); err != nil {
		panic(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	consumer.Shutdown()
}
