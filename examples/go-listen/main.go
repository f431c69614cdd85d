// Command go-listen reads documents of a twin and hears of their changes with the Go SDK, which
// opens one listen stream for each URI.
//
// TWIN_URL and TWIN_TOKEN say where and as whom; the arguments are URIs. One JSON object a line;
// each line on stdin reads everything again.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/oauth2"
)

type line = map[string]any

var out = log.New(os.Stdout, "", 0)

func say(event string, more line) {
	more["event"] = event
	text, _ := json.Marshal(more)
	out.Println(string(text))
}

func refused(uri string, err error) {
	var wire *jsonrpc.Error
	if !errors.As(err, &wire) {
		log.Fatal(err)
	}
	say("refused", line{"uri": uri, "code": wire.Code})
}

func read(ctx context.Context, session *mcp.ClientSession, event, uri string) {
	result, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: uri})
	if err != nil {
		refused(uri, err)
		return
	}
	var document struct{ Etag string }
	if err := json.Unmarshal([]byte(result.Contents[0].Text), &document); err != nil {
		log.Fatal(err)
	}
	say(event, line{"uri": uri, "etag": document.Etag})
}

func main() {
	ctx := context.Background()
	told := make(chan string, 100)
	client := mcp.NewClient(&mcp.Implementation{Name: "go-listen", Version: "1.0.0"}, &mcp.ClientOptions{
		ResourceUpdatedHandler: func(_ context.Context, request *mcp.ResourceUpdatedNotificationRequest) {
			told <- request.Params.URI
		},
	})
	token := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: os.Getenv("TWIN_TOKEN")})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint:   os.Getenv("TWIN_URL") + "/mcp",
		HTTPClient: oauth2.NewClient(ctx, token),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	uris, granted := os.Args[1:], []string{}
	for _, uri := range uris {
		read(ctx, session, "read", uri)
		if err := session.Subscribe(ctx, &mcp.SubscribeParams{URI: uri}); err != nil {
			refused(uri, err)
			continue
		}
		granted = append(granted, uri)
	}
	say("listening", line{"uris": granted})
	go func() {
		for uri := range told {
			read(ctx, session, "told", uri)
		}
	}()
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		for _, uri := range uris {
			read(ctx, session, "read", uri)
		}
	}
}
