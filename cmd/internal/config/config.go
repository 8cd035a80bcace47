// Package config reads kancelaria.yaml: strictly, typed, with every complaint
// naming file, line, column and remedy.
//
// Relative paths are relative to the file. Secrets are named by file, never
// written into it. Unknown keys are errors.
package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "time/tzdata" // the office's zone must never depend on the host
)

// Places where a configuration is looked for when none is named.
var places = []string{"kancelaria.yaml", "/etc/kancelaria/kancelaria.yaml"}

// A Config is kancelaria.yaml with its defaults filled in and its paths made
// absolute.
type Config struct {
	File       string         `yaml:"-"`
	Zone       *time.Location `yaml:"-"`
	Office     Path           `yaml:"office"`
	Rules      Path           `yaml:"rules"`
	Data       Path           `yaml:"data"`
	Node       string         `yaml:"node"` // this gateway among several; letters, digits, hyphens
	Timezone   string         `yaml:"timezone"`
	Language   string         `yaml:"language"`
	Mode       string         `yaml:"mode"` // "", shadow
	SMTP       SMTP           `yaml:"smtp"`
	LMTP       LMTP           `yaml:"lmtp"`
	Drops      []Drop         `yaml:"drops"`
	Store      Store          `yaml:"store"`
	Archive    Archive        `yaml:"archive"`
	Mail       Mail           `yaml:"mail"`
	Receipts   Receipts       `yaml:"receipts"`
	Notices    Notices        `yaml:"notices"`
	Scanner    Scanner        `yaml:"scanner"`
	Reading    Reading        `yaml:"reading"`
	Signatures Signatures     `yaml:"signatures"`
	Retention  Retention      `yaml:"retention"` // for how long what is kept out of the book is kept
	Seal       Seal           `yaml:"seal"`
	Auth       Auth           `yaml:"authentication"`
	Web        Web            `yaml:"web"`
	Operator   Operator       `yaml:"operator"`
}

// SMTP is the mail door.
type SMTP struct {
	Listen        string         `yaml:"listen"`
	ListenTLS     string         `yaml:"listen_tls"` // implicit TLS
	Hostname      string         `yaml:"hostname"`
	MaxSize       Size           `yaml:"max_size"`
	WaitForNumber time.Duration  `yaml:"wait_for_number"`
	TLS           TLS            `yaml:"tls"`
	TrustedRelays []netip.Prefix `yaml:"trusted_relays"`
	Devices       []netip.Prefix `yaml:"devices"` // scanners that send mail
	RequireTLS    []netip.Prefix `yaml:"require_tls"`
	ProxyFrom     []netip.Prefix `yaml:"proxy_from"`
	AuthservID    string         `yaml:"authserv_id"`
	Users         Path           `yaml:"users"` // for AUTH: lines login:$6$…, from "openssl passwd -6"
	MaxSessions   int            `yaml:"max_sessions"`
	PerAddress    int            `yaml:"per_address"`
	PerMinute     int            `yaml:"per_minute"`
}

// TLS names a certificate and its key in PEM.
type TLS struct {
	Cert Path `yaml:"cert"`
	Key  Path `yaml:"key"`
}

// LMTP is the door for a mail server on the same host.
type LMTP struct {
	Listen string `yaml:"listen"` // unix:PATH or host:port
}

// A Drop is a watched folder or share.
type Drop struct {
	Name         string        `yaml:"name"`
	Folder       Path          `yaml:"folder"`
	SMB          string        `yaml:"smb"` // //server/share/path
	Username     string        `yaml:"username"`
	Domain       string        `yaml:"domain"`
	PasswordFile Path          `yaml:"password_file"`
	Signing      string        `yaml:"signing"` // required, auto
	Driver       string        `yaml:"driver"`  // cloudsoda, hirochachacha
	Every        time.Duration `yaml:"every"`
	Settle       time.Duration `yaml:"settle"`
	GiveUp       time.Duration `yaml:"give_up"`
	MaxSize      Size          `yaml:"max_size"`
	Group        string        `yaml:"group"` // file, stem, folder
	Kind         string        `yaml:"kind"`  // scans, package
	Register     string        `yaml:"register"`
	Numbering    string        `yaml:"numbering"` // at_once, on_confirm
	Codes        string        `yaml:"codes"`     // first, all, off: on which pages barcodes are looked for
	After        After         `yaml:"after"`
}

// After says what becomes of a file once its number is known.
type After struct {
	Move   string        `yaml:"move"` // folder beside the files
	Delete bool          `yaml:"delete"`
	Leave  bool          `yaml:"leave"` // read-only sources
	Keep   time.Duration `yaml:"keep"`
}

// Store says where the book lies.
type Store struct {
	SQLite       Path   `yaml:"sqlite"`
	DSN          string `yaml:"dsn"`
	OwnerDSN     string `yaml:"owner_dsn"`
	PasswordFile Path   `yaml:"password_file"`
}

// Archive says where the originals lie.
type Archive struct {
	Segments         Path `yaml:"segments"`
	SegmentSize      Size `yaml:"segment_size"`
	MinFree          Size `yaml:"min_free"`
	MaxBacklog       Size `yaml:"max_backlog"`
	UnsafeFilesystem bool `yaml:"unsafe_filesystem"`
	S3               S3   `yaml:"s3"`
}

// S3 is the second home of originals: a bucket with object lock. Several
// gateways on one book need it.
type S3 struct {
	Endpoint  string        `yaml:"endpoint"` // https://host:port
	Region    string        `yaml:"region"`
	Bucket    string        `yaml:"bucket"`
	Prefix    string        `yaml:"prefix"`
	KeysFile  Path          `yaml:"keys_file"`  // two lines: access key, secret key
	Lock      time.Duration `yaml:"lock"`       // how far ahead originals are locked
	KeepLocal time.Duration `yaml:"keep_local"` // 0: bodies stay in the segments for ever
}

// Mail says how notices and receipts leave.
type Mail struct {
	Maildir      Path   `yaml:"maildir"`
	Relay        string `yaml:"relay"` // smtp://host:25, smtps://…, lmtp:unix:PATH
	Username     string `yaml:"username"`
	PasswordFile Path   `yaml:"password_file"`
	TLS          string `yaml:"tls"` // required, opportunistic, off
	From         string `yaml:"from"`
	DKIM         DKIM   `yaml:"dkim"`
}

// DKIM says by which key our mails are signed; without a key they are not.
type DKIM struct {
	Domain   string `yaml:"domain"` // default: that of mail.from
	Selector string `yaml:"selector"`
	KeyFile  Path   `yaml:"key_file"` // PEM
}

// Notices says how clerks are told beside mail. A clerk chooses among the names
// with channels in office.yaml.
type Notices struct {
	PerQuarterHour int       `yaml:"per_quarter_hour"` // single notices to one clerk before they are joined
	Folder         Path      `yaml:"folder"`           // the channel "folder": a folder for each clerk in it
	Webhooks       []Webhook `yaml:"webhooks"`
}

// A Webhook is a channel that calls an address.
type Webhook struct {
	Name        string `yaml:"name"`
	URL         string `yaml:"url"` // {login} in it becomes the clerk's
	SecretFile  Path   `yaml:"secret_file"`
	ContentType string `yaml:"content_type"`
	Template    string `yaml:"template"`
}

// Channels names the ways by which clerks can be told.
func (c *Config) Channels() []string {
	names := []string{"mail"}
	if c.Notices.Folder != "" {
		names = append(names, "folder")
	}
	for _, w := range c.Notices.Webhooks {
		names = append(names, w.Name)
	}
	return names
}

// Receipts says whether senders get one.
type Receipts struct {
	Enabled        bool `yaml:"enabled"`
	PerSender10min int  `yaml:"per_sender_10min"`
	PerSenderDay   int  `yaml:"per_sender_day"`
	English        bool `yaml:"english"` // always add the English text
}

// Scanner is the malware scanner.
type Scanner struct {
	Clamd string `yaml:"clamd"` // unix:PATH or host:port
}

// Reading says what is read of files after registering.
type Reading struct {
	OCR string `yaml:"ocr"` // auto: scans, where tesseract is installed; off
}

// Signatures says by what electronic signatures are checked.
type Signatures struct {
	Keyring Path `yaml:"keyring"` // public PGP keys that the office has confirmed, armored or not
	// AskHosts may be asked about revoked certificates, as they are named in
	// the certificates; without any the daemon asks nobody.
	AskHosts []string `yaml:"ask_hosts"`
}

// Seal is what the office's mails are sealed with (S/MIME).
type Seal struct {
	Certificate Path `yaml:"certificate"` // PEM, the office's own first, then those above it
	Key         Path `yaml:"key"`         // PEM, PKCS #8 without a password; nobody else may read it
}

// Retention are terms after which the daemon erases; 0 means never.
type Retention struct {
	Spam    time.Duration `yaml:"spam"`
	Malware time.Duration `yaml:"malware"`
	Beside  time.Duration `yaml:"beside"` // advertisements, bounces, automatic replies
}

// Auth says how the sender of a letter is checked.
type Auth struct {
	DNS     string        `yaml:"dns"` // "", host:port, or "off"
	Timeout time.Duration `yaml:"timeout"`
}

// Web is the counter.
type Web struct {
	Listen  string         `yaml:"listen"`
	BaseURL string         `yaml:"base_url"` // as clerks know it: https://kancelaria.example
	TLS     TLS            `yaml:"tls"`
	Proxies []netip.Prefix `yaml:"trusted_proxies"` // who ends TLS before us
	MaxSize Size           `yaml:"max_size"`        // of one hand-in
	Idle    time.Duration  `yaml:"idle"`            // a session ends after
	Longest time.Duration  `yaml:"longest"`         // and at the latest after
	OIDC    OIDC           `yaml:"oidc"`
}

// OIDC is whose word about a clerk's identity the counter takes beside its own
// passwords (OpenID Connect).
type OIDC struct {
	Issuer     string `yaml:"issuer"`
	ClientID   string `yaml:"client_id"`
	SecretFile Path   `yaml:"secret_file"`
	Claim      string `yaml:"claim"` // which holds the login, or the mail address: preferred_username, email
}

// Operator is the port for health, metrics and profiles.
type Operator struct {
	Listen string `yaml:"listen"`
}

// Find gives the path of the configuration: named, from the environment, or
// from the usual places.
func Find(named string) (string, error) {
	if named != "" {
		return named, nil
	}
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("no configuration: looked for %s; name one with -c FILE or make an office with \"kancelaria init DIR\"", strings.Join(places, " and "))
}

// maxFile bounds the configuration; the rest of it would be no configuration.
const maxFile = 1 << 20

// Load reads and checks a configuration. All complaints come at once, as
// Complaints.
func Load(file string) (*Config, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", file, err)
	}
	data, err := os.ReadFile(abs)
	if err != nil {
		return nil, Complaints{{File: file, Text: "cannot be read: " + reason(err), Fix: "name the configuration with -c FILE"}}
	}
	return Parse(abs, data)
}

// Parse checks the content of a configuration as if it lay at file.
func Parse(file string, data []byte) (*Config, error) {
	c := defaults()
	c.File = file
	d := &decoder{file: filepath.Base(file), dir: filepath.Dir(file)}
	d.document(data, c)
	if len(d.complaints) == 0 {
		c.check(d)
	}
	if len(d.complaints) > 0 {
		return nil, d.complaints
	}
	return c, nil
}

// defaults are the safe choice; the sample file writes most of them out.
func defaults() *Config {
	return &Config{
		Data: "data", Office: "office.yaml", Rules: "rules.yaml", Timezone: "Europe/Warsaw", Language: "pl", Node: "n1",
		SMTP: SMTP{
			Listen: "127.0.0.1:2525", Hostname: "localhost", MaxSize: 50 << 20, WaitForNumber: 2 * time.Second,
			MaxSessions: 1000, PerAddress: 200, PerMinute: 6000,
		},
		Archive:   Archive{Segments: "data/archive", SegmentSize: 64 << 20, MinFree: 1 << 30, MaxBacklog: 64 << 30, S3: S3{Lock: 90 * 24 * time.Hour}},
		Receipts:  Receipts{PerSender10min: 5, PerSenderDay: 20},
		Notices:   Notices{PerQuarterHour: 30},
		Mail:      Mail{TLS: "required"},
		Reading:   Reading{OCR: "auto"},
		Web:       Web{MaxSize: 500e6, Idle: time.Hour, Longest: 12 * time.Hour, OIDC: OIDC{Claim: "preferred_username"}},
		Auth:      Auth{Timeout: 1500 * time.Millisecond},
		Retention: Retention{Spam: 30 * 24 * time.Hour, Malware: 90 * 24 * time.Hour, Beside: 30 * 24 * time.Hour},
	}
}

func reason(err error) string {
	if i := strings.LastIndex(err.Error(), ": "); i >= 0 {
		return err.Error()[i+2:]
	}
	return err.Error()
}
