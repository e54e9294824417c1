// The AWS SDK for Go v2: puts, gets, a reshard, refusals, and fan-out to a shard's end.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"slices"
	"time"

	"crypto/tls"
	"crypto/x509"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var (
	stream   = aws.String("go")
	parent   = aws.String("shardId-000000000000")
	ctx      = context.Background()
	client   = connected(os.Getenv("KINESIS_ENDPOINT"), trusting(os.Getenv("KINESIS_CA")))
	arn      *string
	consumer *string
	shards   []types.Shard
)

// readme:begin
func connected(endpoint string, transport aws.HTTPClient) *kinesis.Client {
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})
	return kinesis.New(kinesis.Options{
		BaseEndpoint: aws.String(endpoint), // "http://127.0.0.1:4566"
		Region:       "us-east-1",
		Credentials:  credentials,
		HTTPClient:   transport, // nil: the SDK's own
	})
}

// readme:end

// trusting is a client for TLS with this CA, or none.
func trusting(path string) aws.HTTPClient {
	if path == "" {
		return nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: roots},
	}}
}

func main() {
	step("create, wait, describe", create)
	step("put 500, get 500, in order", putAndGet)
	step("put one after the other, in order", putInOrder)
	step("paginators", paginators)
	step("a refusal has its class", refusal)
	step("SubscribeToShard: what is put meanwhile, through a split, to the shard's end", fanOut)
	step("reshard: the parent ends with its children, they with the merged one", reshard)
	step("delete, wait", remove)
	end()
}

func active() error {
	return waitUntil("the stream is ACTIVE", func() (bool, error) {
		found, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: stream})
		if err != nil {
			return false, err
		}
		arn = found.StreamDescriptionSummary.StreamARN
		return found.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive, nil
	})
}

func create() error {
	if _, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(2)}); err != nil {
		return err
	}
	waiter := kinesis.NewStreamExistsWaiter(client, func(options *kinesis.StreamExistsWaiterOptions) {
		options.MinDelay, options.MaxDelay = time.Second, time.Second
	})
	if err := waiter.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: stream}, 20*time.Second); err != nil {
		return err
	}
	if err := active(); err != nil {
		return err
	}
	listed, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: stream})
	if err != nil {
		return err
	}
	shards = listed.Shards
	return equal(len(shards), 2)
}

// drained reads a shard up to its tip or end.
func drained(shard *string) ([]types.Record, *kinesis.GetRecordsOutput, error) {
	var records []types.Record
	at, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
		StreamName: stream, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		return nil, nil, err
	}
	for position := at.ShardIterator; ; {
		reply, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: position})
		if err != nil {
			return nil, nil, err
		}
		records = append(records, reply.Records...)
		position = reply.NextShardIterator
		if position == nil || len(reply.Records) == 0 {
			return records, reply, nil
		}
	}
}

func putAndGet() error {
	var entries []types.PutRecordsRequestEntry
	var expected, found []string
	for i := range 500 {
		text := fmt.Sprint("r", i)
		expected = append(expected, text)
		entries = append(entries, types.PutRecordsRequestEntry{Data: []byte(text), PartitionKey: aws.String(text)})
	}
	put, err := client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: stream, Records: entries})
	if err != nil {
		return err
	}
	if err := equal(*put.FailedRecordCount, 0); err != nil {
		return err
	}
	for _, shard := range shards {
		records, _, err := drained(shard.ShardId)
		if err != nil {
			return err
		}
		if !slices.IsSortedFunc(records, inOrder) {
			return errors.New("not in order")
		}
		for _, record := range records {
			found = append(found, string(record.Data))
			if age := time.Since(*record.ApproximateArrivalTimestamp); age < -time.Second || age > time.Minute {
				return fmt.Errorf("arrived %s ago", age)
			}
		}
	}
	slices.Sort(expected)
	slices.Sort(found)
	return equal(found, expected)
}

func inOrder(one, other types.Record) int {
	return number(one.SequenceNumber).Cmp(number(other.SequenceNumber))
}

func number(text *string) *big.Int {
	parsed, _ := new(big.Int).SetString(*text, 10)
	return parsed
}

// putToParent puts one record, behind the one of this number if there is one.
func putToParent(after *string) (*kinesis.PutRecordOutput, error) {
	return client.PutRecord(ctx, &kinesis.PutRecordInput{
		StreamName: stream, Data: []byte("one"), PartitionKey: aws.String("p"),
		ExplicitHashKey: aws.String("0"), SequenceNumberForOrdering: after,
	})
}

func putInOrder() error {
	first, err := putToParent(nil)
	if err != nil {
		return err
	}
	second, err := putToParent(first.SequenceNumber)
	if err != nil {
		return err
	}
	return equal(number(first.SequenceNumber).Cmp(number(second.SequenceNumber)), -1)
}

func paginators() error {
	for _, name := range []string{"one", "other"} {
		made, err := client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{
			StreamARN: arn, ConsumerName: aws.String(name),
		})
		if err != nil {
			return err
		}
		consumer = made.Consumer.ConsumerARN
	}
	err := waitUntil("the consumer is ACTIVE", func() (bool, error) {
		found, err := client.DescribeStreamConsumer(ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: consumer})
		return err == nil && found.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive, err
	})
	if err != nil {
		return err
	}
	var names []string
	pages := kinesis.NewListStreamConsumersPaginator(client, &kinesis.ListStreamConsumersInput{
		StreamARN: arn, MaxResults: aws.Int32(1),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, one := range page.Consumers {
			names = append(names, *one.ConsumerName)
		}
	}
	slices.Sort(names)
	if err := equal(names, []string{"one", "other"}); err != nil {
		return err
	}
	var described []types.Shard
	parts := kinesis.NewDescribeStreamPaginator(client, &kinesis.DescribeStreamInput{
		StreamName: stream, Limit: aws.Int32(1),
	})
	for parts.HasMorePages() {
		part, err := parts.NextPage(ctx)
		if err != nil {
			return err
		}
		described = append(described, part.StreamDescription.Shards...)
	}
	return equal(len(described), 2)
}

func refusal() error {
	_, err := client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: aws.String("nowhere")})
	var absent *types.ResourceNotFoundException
	if !errors.As(err, &absent) {
		return fmt.Errorf("not a ResourceNotFoundException: %w", err)
	}
	return equal(absent.ErrorMessage(), "Stream nowhere under account 000000000000 not found.")
}

func splitParent() error {
	_, err := client.SplitShard(ctx, &kinesis.SplitShardInput{
		StreamName: stream, ShardToSplit: parent,
		NewStartingHashKey: aws.String(new(big.Int).Lsh(big.NewInt(1), 126).String()),
	})
	return err
}

func fanOut() error {
	before, _, err := drained(parent)
	if err != nil {
		return err
	}
	reply, err := client.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: consumer, ShardId: parent,
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	})
	if err != nil {
		return err
	}
	events := reply.GetStream()
	defer events.Close()
	var found int
	var split bool
	var children []types.ChildShard
	for event := range events.Events() {
		value := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		found += len(value.Records)
		children = value.ChildShards
		if !split {
			split = true
			if _, err := putToParent(nil); err != nil {
				return err
			}
			if err := splitParent(); err != nil {
				return err
			}
		}
	}
	if err := events.Err(); err != nil {
		return err
	}
	if err := equal(found, len(before)+1); err != nil {
		return err
	}
	return equal(len(children), 2)
}

func reshard() error {
	if err := active(); err != nil {
		return err
	}
	children := []string{"shardId-000000000002", "shardId-000000000003"}
	if err := endsWith(*parent, children); err != nil {
		return err
	}
	_, err := client.MergeShards(ctx, &kinesis.MergeShardsInput{
		StreamName: stream, ShardToMerge: &children[0], AdjacentShardToMerge: &children[1],
	})
	if err != nil {
		return err
	}
	if err := active(); err != nil {
		return err
	}
	return errors.Join(
		endsWith(children[0], []string{"shardId-000000000004"}),
		endsWith(children[1], []string{"shardId-000000000004"}),
	)
}

// endsWith checks that these shards follow a closed one.
func endsWith(shard string, expected []string) error {
	_, last, err := drained(&shard)
	if err != nil {
		return err
	}
	var children []string
	for _, child := range last.ChildShards {
		children = append(children, *child.ShardId)
	}
	return equal(children, expected)
}

func remove() error {
	_, err := client.DeleteStream(ctx, &kinesis.DeleteStreamInput{
		StreamName: stream, EnforceConsumerDeletion: aws.Bool(true),
	})
	if err != nil {
		return err
	}
	waiter := kinesis.NewStreamNotExistsWaiter(client, func(options *kinesis.StreamNotExistsWaiterOptions) {
		options.MinDelay, options.MaxDelay = time.Second, time.Second
	})
	return waiter.Wait(ctx, &kinesis.DescribeStreamInput{StreamName: stream}, 20*time.Second)
}
