package pixelflow

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// The load balancing policy (round robin) and the retry policy, the same in every client.
//
//go:embed service-config.json
var serviceConfig string

// TLS names PEM files: the certificate of the authority to trust, and the client certificate with its key. Without Cert and
// Key the client authenticates with the token only.
type TLS struct{ CA, Cert, Key string }

// Connect connects to every gateway behind target, such as "dns:///pixelflow.example.com:50051". Calls are balanced over
// the available gateways, and reads include the earlier writes of the same connection. The connection is not encrypted if
// security is nil. If the token is empty, the connection sends none.
func Connect(target string, security *TLS, token string) (*grpc.ClientConn, error) {
	transport, err := security.credentials()
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithUnaryInterceptor((&positions{}).intercept),
		// Keepalive detects a lost gateway also while no call sends data, as during a long watch.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
	}
	if token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(token)))
	}
	return grpc.NewClient(target, options...)
}

type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

// RequireTransportSecurity allows an unencrypted token, for a server on this machine. Use TLS for any other server.
func (bearer) RequireTransportSecurity() bool { return false }

func (t *TLS) credentials() (credentials.TransportCredentials, error) {
	if t == nil {
		return insecure.NewCredentials(), nil
	}
	config, err := t.Config()
	if err != nil {
		return nil, err
	}
	return credentials.NewTLS(config), nil
}

// Config reads the PEM files into a TLS configuration.
func (t *TLS) Config() (*tls.Config, error) {
	authority, err := os.ReadFile(t.CA)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s contains no PEM certificate; name the certificate of the authority to trust", t.CA)
	}
	if t.Cert != "" {
		certificate, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}
