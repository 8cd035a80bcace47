package config

import (
	"strings"
	"testing"
	"time"
)

func TestASampleOfEveryKeyIsRead(t *testing.T) {
	c, err := Parse("/srv/office/kancelaria.yaml", []byte(`
office: office.yaml
rules: rules.yaml
data: data
timezone: Europe/Warsaw
smtp:
  listen: 127.0.0.1:2525
  max_size: 50MB
  wait_for_number: 2s
  trusted_relays: [127.0.0.1/32, 192.0.2.7]
lmtp: {listen: unix:data/lmtp.sock}
drops:
  - {name: skaner, folder: drop/skaner, settle: 3s, after: {move: _zarejestrowane, keep: 7d}}
  - {name: pietro, smb: //serwer/skany/pietro, username: skaner, password_file: secret, signing: required, every: 10s}
store: {sqlite: data/book.db}
mail: {maildir: mail, from: Kancelaria <kancelaria@aleksandrowo.example>}
receipts: {enabled: true, per_sender_10min: 5}
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.SMTP.MaxSize != 50_000_000 || c.SMTP.WaitForNumber != 2*time.Second {
		t.Errorf("max_size = %d, wait_for_number = %s", c.SMTP.MaxSize, c.SMTP.WaitForNumber)
	}
	if got := c.Drops[0].Folder; got != "/srv/office/drop/skaner" {
		t.Errorf("folder = %q, want it beside the file", got)
	}
	if got := c.LMTP.Listen; got != "unix:/srv/office/data/lmtp.sock" {
		t.Errorf("lmtp.listen = %q, want the socket beside the file", got)
	}
	if c.Drops[0].After.Keep != 7*24*time.Hour || c.Drops[1].GiveUp != 10*time.Minute {
		t.Errorf("keep = %s, give_up = %s", c.Drops[0].After.Keep, c.Drops[1].GiveUp)
	}
	if got := c.SMTP.TrustedRelays[1].String(); got != "192.0.2.7/32" {
		t.Errorf("a single address became %s", got)
	}
}

func TestAnEmptyFileIsTheSafeChoice(t *testing.T) {
	c, err := Parse("/srv/office/kancelaria.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.SMTP.Listen != "127.0.0.1:2525" || c.Receipts.Enabled || c.Store.SQLite != "/srv/office/data/book.db" {
		t.Errorf("smtp.listen %q, receipts %v, store %q", c.SMTP.Listen, c.Receipts.Enabled, c.Store.SQLite)
	}
}

func TestEveryComplaintNamesPlaceAndRemedy(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"a misspelled key", "smtp:\n  lisen: :25\n", `kancelaria.yaml:2:3: unknown key "lisen"; did you mean "listen"?`},
		{"a size without sense", "smtp: {max_size: viele}\n", `kancelaria.yaml:1:18: smtp.max_size: "viele" is not a size like 50MB`},
		{"a time span without a unit", "smtp: {wait_for_number: 2}\n", `kancelaria.yaml:1:25: smtp.wait_for_number: "2" is not a time span like 3s, 10m or 7d`},
		{"a word where a switch belongs", "receipts: {enabled: yes}\n", `kancelaria.yaml:1:21: receipts.enabled: "yes" is neither true nor false`},
		{"a zone that is not known", "timezone: Europa/Warszawa\n", `kancelaria.yaml:1:11: timezone: "Europa/Warszawa" is not known; write a name like Europe/Warsaw`},
		{"a password in the address", "store: {dsn: \"postgres://k:secret@db/k\"}\n", `kancelaria.yaml:1:14: store.dsn holds a password; put it into a file and name it: store.password_file`},
		{"a key without its selector", "mail: {dkim: {key_file: a.pem}}\n", `kancelaria.yaml:1:`},
		{"a webhook without a secret", "notices: {webhooks: [{name: ntfy, url: \"https://ntfy.example\"}]}\n", `webhook "ntfy" needs url and secret_file; add url`},
		{"a webhook called like mail", "notices: {webhooks: [{name: mail, url: a, secret_file: b}]}\n", `there is a channel "mail" already`},
		{"no receipts at all by a limit", "receipts: {per_sender_day: 0}\n", `kancelaria.yaml:1:28: receipts.per_sender_day: 0 is no limit; write 1 or more`},
		{"two books", "store: {sqlite: a.db, dsn: \"postgres://db/k\"}\n", `store names two books`},
		{"a drop without a place", "drops:\n  - {name: a}\n", `drop "a" needs exactly one place`},
		{"a key that stands twice", "data: a\ndata: b\n", `kancelaria.yaml:2:1`},
		{"an alias", "data: &x a\noffice: *x\n", `kancelaria.yaml:1:7: anchors, aliases and tags are not allowed`},
		{"a second document", "data: a\n---\ndata: b\n", `a second document begins here`},
		{"no YAML at all", "data: [\n", `kancelaria.yaml:`},
		{"bytes that are no text", "data: \xff\n", `is not valid UTF-8`},
		{"a list where values belong", "smtp: [a]\n", `kancelaria.yaml:1:7: smtp must hold keys and values`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("/srv/office/kancelaria.yaml", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAllComplaintsComeAtOnce(t *testing.T) {
	_, err := Parse("/srv/office/kancelaria.yaml", []byte("smtp: {lisen: a}\nstor: b\nreceipts: {enabled: maybe}\n"))
	if got := strings.Count(err.Error(), "\n") + 1; got != 3 {
		t.Errorf("%d complaints, want 3:\n%v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("smtp: {listen: 127.0.0.1:2525}\n")
	f.Add("drops: [{name: a, folder: b}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("/srv/office/kancelaria.yaml", []byte(text))
		if (c == nil) == (err == nil) {
			t.Errorf("config %v, error %v: want exactly one", c, err)
		}
	})
}
