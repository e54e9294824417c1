// Command client sends one request with the AWS SDK for Go v2: the operation and its input come from OPERATION and the
// file INPUT, the endpoint from KINESIS_ENDPOINT.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

type record struct {
	Data            string
	PartitionKey    *string
	ExplicitHashKey *string
}

type input struct {
	record
	StreamName    *string
	StreamARN     *string
	ShardIterator *string
	Limit         *int32
	Records       []record
}

func main() {
	text, err := os.ReadFile(os.Getenv("INPUT"))
	check(err)
	var in input
	check(json.Unmarshal(text, &in))
	client := kinesis.New(kinesis.Options{
		BaseEndpoint: aws.String(os.Getenv("KINESIS_ENDPOINT")),
		Region:       "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
	switch os.Getenv("OPERATION") {
	case "PutRecords":
		var entries []types.PutRecordsRequestEntry
		for _, r := range in.Records {
			entries = append(entries, types.PutRecordsRequestEntry{
				Data: []byte(r.Data), PartitionKey: r.PartitionKey, ExplicitHashKey: r.ExplicitHashKey})
		}
		_, err = client.PutRecords(context.TODO(), &kinesis.PutRecordsInput{
			StreamName: in.StreamName, StreamARN: in.StreamARN, Records: entries})
	case "PutRecord":
		_, err = client.PutRecord(context.TODO(), &kinesis.PutRecordInput{
			StreamName: in.StreamName, StreamARN: in.StreamARN,
			Data: []byte(in.Data), PartitionKey: in.PartitionKey, ExplicitHashKey: in.ExplicitHashKey})
	case "GetRecords":
		_, err = client.GetRecords(context.TODO(), &kinesis.GetRecordsInput{
			ShardIterator: in.ShardIterator, Limit: in.Limit, StreamARN: in.StreamARN})
	}
	check(err)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
