package smtpd

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A Certificate is read from two files and read again when they change, so that
// a renewed one needs no restart.
type Certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	stamp  [2]time.Time // of the files, when they were read or failed to be
	loaded *tls.Certificate
}

// LoadCertificate reads a certificate chain and its key, both PEM.
func LoadCertificate(cert, key string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, log: log}
	stamp, err := c.stampNow()
	if err != nil {
		return nil, fmt.Errorf("looking at a certificate: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("reading a certificate: %w", err)
	}
	c.stamp, c.loaded = stamp, &pair
	return c, nil
}

// config gives what both sides of STARTTLS and SMTPS use: TLS 1.2 and newer.
func (c *Certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.current}
}

// current gives the certificate in force. New files that cannot be read leave
// the old one in force and are complained of once.
func (c *Certificate) current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp, err := c.stampNow()
	if err != nil || stamp == c.stamp {
		return c.loaded, nil // a file that is being replaced is looked at next time
	}
	c.stamp = stamp
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		if c.log != nil {
			c.log.Error("smtpd.certificate", "err", err)
		}
		return c.loaded, nil
	}
	c.loaded = &pair
	return c.loaded, nil
}

func (c *Certificate) stampNow() (stamp [2]time.Time, err error) {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return stamp, err
		}
		stamp[i] = info.ModTime()
	}
	return stamp, nil
}
