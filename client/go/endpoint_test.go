package semanas

import (
	"strings"
	"testing"
)

func TestWhereAClientMaySend(t *testing.T) {
	token, plaintext := WithBearerToken("secret"), WithAllowPlaintext()
	cases := []struct {
		endpoint string
		choices  []Option
		// Empty when it may; else what the error says.
		refusal string
	}{
		{"http://127.0.0.1:50051", nil, ""},
		{"http://127.8.7.6:50051", nil, ""},
		{"http://localhost:50051", nil, ""},
		{"http://LOCALHOST", nil, ""},
		{"http://[::1]:50051/", nil, ""},
		{"https://semanas.example.mx", nil, ""},
		{"HTTPS://semanas.example.mx:8443", nil, ""},
		{"http://10.0.0.7:50051", nil, "personal data unencrypted to 10.0.0.7"},
		{"http://semanas.internal:50051", nil, "use https://, or WithAllowPlaintext"},
		{"http://localhost.example.mx", nil, "unencrypted"},
		{"http://semanas.internal:50051", []Option{plaintext}, ""},
		{"http://semanas.internal:50051", []Option{plaintext, token}, "bearer token unencrypted"},
		{"http://127.0.0.1:50051", []Option{token}, ""},
		{"https://semanas.example.mx", []Option{token}, ""},
		{"semanas.internal:50051", []Option{plaintext}, "must look like"},
		{"127.0.0.1:50051", nil, "must look like"},
		{"", nil, "must look like"},
		{"https://", nil, "must look like"},
		{"ftp://semanas.internal", nil, "must look like"},
		{"http:// spaces", nil, "must look like"},
		{"https://user:password@semanas.example.mx", nil, "must look like"},
		{"https://semanas.example.mx/path", nil, "must look like"},
		{"https://semanas.example.mx?query", nil, "must look like"},
		{"https://semanas.example.mx:0", nil, "must look like"},
		{"https://semanas.example.mx:65536", nil, "must look like"},
		{"https://semanas.example.mx", []Option{WithBearerToken("")}, "bearer token is empty"},
		{"https://semanas.example.mx", []Option{WithBearerToken("two words")}, "bearer token is empty, or has spaces"},
		{"https://semanas.example.mx", []Option{WithBearerToken("a\r\nb: c")}, "line ends"},
		{"https://semanas.example.mx", []Option{WithTokenSource(nil)}, "function is nil"},
		{"https://semanas.example.mx", []Option{WithCACertificatePEM([]byte("no PEM"))}, "holds no certificate"},
		{"https://semanas.example.mx", []Option{WithClientCertificatePEM([]byte("a"), []byte("b"))}, "belong together"},
		{"https://semanas.example.mx", []Option{WithUserAgent("two\nlines")}, "printable ASCII"},
		{"https://semanas.example.mx", []Option{WithUnaryDeadline(-1)}, "greater than zero"},
		{"https://semanas.example.mx", []Option{WithConnectTimeout(0)}, "greater than zero"},
		{"https://semanas.example.mx", []Option{WithHeartbeatInterval(0)}, "greater than zero"},
		{"https://semanas.example.mx", []Option{WithRetry(RetryPolicy{MaxTries: -1})}, "must not be negative"},
		{"https://semanas.example.mx", []Option{WithWatchResume(RetryPolicy{FirstDelay: -1})}, "must not be negative"},
	}
	for _, c := range cases {
		client, err := NewClient(c.endpoint, c.choices...)
		if c.refusal == "" {
			if err != nil {
				t.Errorf("%q: %v", c.endpoint, err)
				continue
			}
			_ = client.Close()
			continue
		}
		if client != nil || err == nil || KindOf(err) != KindConfiguration || !strings.Contains(err.Error(), c.refusal) {
			t.Errorf("%q: %v, expected %q", c.endpoint, err, c.refusal)
		}
		if err != nil && (strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%q: the error tells a secret: %v", c.endpoint, err)
		}
	}
}

func TestPortsThatAreNotSaid(t *testing.T) {
	for text, expected := range map[string]string{"https://a.example": "443", "http://127.0.0.1": "80", "https://a.example:8": "8"} {
		found, mistake := parseEndpoint(text)
		if mistake != nil || found.port != expected {
			t.Errorf("%s: port %s, %v", text, found.port, mistake)
		}
	}
}
