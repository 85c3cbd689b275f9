// Uploads an image, processes it with progress output, and saves the results:
//
//	go run ./example photo.jpg resize:800/format:webp small
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	pixelflow "pixelflow/clients/go"
	pb "pixelflow/clients/go/gen/pixelflowv1"
)

func main() {
	target := flag.String("target", "dns:///127.0.0.1:50051", "gRPC target of the gateways")
	var security pixelflow.TLS
	flag.StringVar(&security.CA, "ca", "", "file with the certificate of the authority to trust; enables TLS")
	flag.StringVar(&security.Cert, "cert", "", "file with the client certificate")
	flag.StringVar(&security.Key, "key", "", "file with the key of the client certificate")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: example [flags] image recipe [prefix of the result files]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	prefix := "out"
	if flag.NArg() > 2 {
		prefix = flag.Arg(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *target, security, flag.Arg(0), flag.Arg(1), prefix); err != nil {
		fmt.Fprintln(os.Stderr, pixelflow.Explain(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, target string, security pixelflow.TLS, path, recipe, prefix string) error {
	var optionalTLS *pixelflow.TLS
	if security.CA != "" {
		optionalTLS = &security
	}
	connection, err := pixelflow.Connect(target, optionalTLS, os.Getenv("PIXELFLOW_TOKEN"))
	if err != nil {
		return err
	}
	defer connection.Close()
	client := pixelflow.New(connection)

	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	image, err := client.Upload(ctx, file, pixelflow.AnyType)
	if err != nil {
		return err
	}
	fmt.Printf("uploaded %s %d×%d, %d bytes: %s\n",
		image.Format, image.GetWidth(), image.GetHeight(), image.Bytes, image.Id)

	results, err := client.Process(ctx, image.Id, structpb.NewStringValue(recipe), printEvent)
	if err != nil {
		return err
	}
	for _, result := range results {
		output := result.Output
		path := fmt.Sprintf("%s-%s.%s", prefix, output.Name, output.Format)
		if err := os.WriteFile(path, result.Data, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s: %d×%d, %d bytes\n", path, output.Width, output.Height, output.Bytes)
	}
	return nil
}

func printEvent(event *pb.TaskEvent) {
	kind := strings.ToLower(strings.TrimPrefix(event.Kind.String(), "TASK_EVENT_KIND_"))
	fmt.Printf("%5.1f %%  %s %s\n", event.Task.Progress, kind, event.Output)
}
