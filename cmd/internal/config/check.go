package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// check looks at what single values cannot show, makes the remaining paths
// absolute and loads the zone.
func (c *Config) check(d *decoder) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || c.Timezone == "" {
		d.complainAt("timezone", "write a name like Europe/Warsaw", "timezone: %.60q is not known", c.Timezone)
	}
	c.Zone = zone
	for _, p := range []*Path{&c.Office, &c.Rules, &c.Data, &c.Archive.Segments} {
		if *p != "" && !filepath.IsAbs(string(*p)) {
			*p = Path(filepath.Join(d.dir, string(*p)))
		}
	}
	if c.Language != "pl" && c.Language != "en" {
		d.complainAt("language", "write pl or en", "language: %.20q is not one of the catalogue's", c.Language)
	}
	if c.Mode != "" && c.Mode != "shadow" {
		d.complainAt("mode", "leave it out, or write shadow", "mode: %.20q is not known", c.Mode)
	}
	if !isName(c.Node) {
		d.complainAt("node", "use letters, digits and hyphens", "node: %.40q cannot name a gateway", c.Node)
	}
	if c.Reading.OCR != "auto" && c.Reading.OCR != "off" {
		d.complainAt("reading.ocr", "write auto or off", "reading.ocr: %.20q is not known", c.Reading.OCR)
	}
	c.checkDoors(d)
	c.checkStore(d)
	c.checkS3(d)
	c.checkMail(d)
	c.checkDrops(d)
}

func (c *Config) checkDoors(d *decoder) {
	for path, listen := range map[string]string{
		"smtp.listen": c.SMTP.Listen, "smtp.listen_tls": c.SMTP.ListenTLS, "web.listen": c.Web.Listen, "operator.listen": c.Operator.Listen,
	} {
		if listen == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(listen); err != nil {
			d.complainAt(path, "write host:port, for example 127.0.0.1:2525", "%s: %.60q is not an address to listen on", path, listen)
		}
	}
	if (c.SMTP.TLS.Cert == "") != (c.SMTP.TLS.Key == "") {
		d.complainAt("smtp.tls", "name both", "smtp.tls needs cert and key")
	}
	if c.SMTP.ListenTLS != "" && c.SMTP.TLS.Cert == "" {
		d.complainAt("smtp.listen_tls", "add smtp.tls: {cert: …, key: …}", "smtp.listen_tls needs a certificate")
	}
	if c.SMTP.MaxSize < 1<<16 {
		d.complainAt("smtp.max_size", "write 50MB", "smtp.max_size is under 64 kB: ordinary letters would be refused")
	}
	c.checkWeb(d)
	c.LMTP.Listen = absSocket(d.dir, c.LMTP.Listen)
	c.Scanner.Clamd = absSocket(d.dir, c.Scanner.Clamd)
}

// checkWeb: passwords and letters don't cross a network in clear.
func (c *Config) checkWeb(d *decoder) {
	w := c.Web
	if (w.TLS.Cert == "") != (w.TLS.Key == "") {
		d.complainAt("web.tls", "name both", "web.tls needs cert and key")
	}
	if host, _, err := net.SplitHostPort(w.Listen); err == nil && !isLoopback(host) && w.TLS.Cert == "" && len(w.Proxies) == 0 {
		d.complainAt("web.listen", "listen on 127.0.0.1, add web.tls, or name the proxy that ends TLS in web.trusted_proxies",
			"web.listen: %.60q is open to the network without TLS", w.Listen)
	}
	if w.BaseURL != "" {
		if u, err := url.Parse(w.BaseURL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			d.complainAt("web.base_url", "write https://kancelaria.example", "web.base_url: %.60q is no address", w.BaseURL)
		}
	}
	if w.Idle < time.Minute || w.Longest < w.Idle {
		d.complainAt("web.idle", "write idle: 1h, longest: 12h", "web.idle is under a minute, or longer than web.longest")
	}
	if o := w.OIDC; o.Issuer != "" && (o.ClientID == "" || o.SecretFile == "" || w.BaseURL == "") {
		d.complainAt("web.oidc", "name issuer, client_id and secret_file, and web.base_url", "web.oidc is not complete")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *Config) checkStore(d *decoder) {
	switch {
	case c.Store.SQLite == "" && c.Store.DSN == "":
		c.Store.SQLite = Path(filepath.Join(string(c.Data), "book.db"))
	case c.Store.SQLite != "" && c.Store.DSN != "":
		d.complainAt("store", "keep store.sqlite or store.dsn", "store names two books")
	}
	for path, dsn := range map[string]string{"store.dsn": c.Store.DSN, "store.owner_dsn": c.Store.OwnerDSN} {
		if hasPassword(dsn) {
			d.complainAt(path, "put it into a file and name it: store.password_file", "%s holds a password", path)
		}
	}
}

func (c *Config) checkS3(d *decoder) {
	s := c.Archive.S3
	if s.Endpoint == "" {
		if s.Bucket != "" || s.KeysFile != "" {
			d.complainAt("archive.s3", "add endpoint: https://host", "archive.s3 names no server")
		}
		return
	}
	if u, err := url.Parse(s.Endpoint); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		d.complainAt("archive.s3.endpoint", "write https://host or https://host:port", "archive.s3.endpoint: %.60q is not the address of a server", s.Endpoint)
	}
	if s.Bucket == "" {
		d.complainAt("archive.s3", "add bucket: NAME, one made with object lock", "archive.s3 names no bucket")
	}
	if s.KeysFile == "" {
		d.complainAt("archive.s3", "add keys_file: FILE with the access key and the secret key, a line each", "archive.s3 names no keys")
	}
	if s.Lock < 24*time.Hour {
		d.complainAt("archive.s3.lock", "write 90d", "archive.s3.lock is under a day: it could not be renewed in time")
	}
}

func (c *Config) checkMail(d *decoder) {
	if c.Mail.Maildir != "" && c.Mail.Relay != "" {
		d.complainAt("mail", "keep mail.maildir or mail.relay", "mail names two ways out")
	}
	if c.Mail.Maildir == "" && c.Mail.Relay == "" {
		c.Mail.Maildir = Path(filepath.Join(d.dir, "mail"))
	}
	switch c.Mail.TLS {
	case "required", "opportunistic", "off":
	default:
		d.complainAt("mail.tls", "write required, opportunistic or off", "mail.tls: %.20q is not known", c.Mail.TLS)
	}
	if k := c.Mail.DKIM; (k.KeyFile == "") != (k.Selector == "") {
		d.complainAt("mail.dkim", "write dkim: {selector: kancelaria, key_file: klucze/dkim.pem}", "mail.dkim needs selector and key_file")
	}
	c.checkNotices(d)
}

func (c *Config) checkNotices(d *decoder) {
	for key, n := range map[string]int{
		"receipts.per_sender_10min": c.Receipts.PerSender10min, "receipts.per_sender_day": c.Receipts.PerSenderDay, "notices.per_quarter_hour": c.Notices.PerQuarterHour,
	} {
		if n < 1 {
			d.complainAt(key, "write 1 or more", "%s: %d is no limit", key, n)
		}
	}
	names := map[string]bool{"mail": true, "folder": true}
	for i, w := range c.Notices.Webhooks {
		here := fmt.Sprintf("notices.webhooks[%d]", i)
		switch {
		case !isName(w.Name):
			d.complainAt(here, "add name: ntfy", "a webhook needs a name of letters, digits and hyphens")
		case names[w.Name]:
			d.complainAt(here, "choose another name", "there is a channel %q already", w.Name)
		case w.URL == "" || w.SecretFile == "":
			d.complainAt(here, "add url: https://… and secret_file: …", "webhook %q needs url and secret_file", w.Name)
		}
		names[w.Name] = true
	}
}

func (c *Config) checkDrops(d *decoder) {
	names := map[string]bool{}
	for i := range c.Drops {
		p := &c.Drops[i]
		here := fmt.Sprintf("drops[%d]", i)
		switch {
		case !isName(p.Name):
			d.complainAt(here, "add name: skaner", "a drop needs a name of letters, digits and hyphens")
		case names[p.Name]:
			d.complainAt(here, "choose another name", "two drops are named %q", p.Name)
		case (p.Folder == "") == (p.SMB == ""):
			d.complainAt(here, "name folder or smb", "drop %q needs exactly one place", p.Name)
		}
		names[p.Name] = true
		p.fill()
		one := func(key, value string, allowed ...string) {
			for _, a := range allowed {
				if value == a {
					return
				}
			}
			d.complainAt(here+"."+key, "write "+strings.Join(allowed, " or "), "drop %q: %s: %.20q is not known", p.Name, key, value)
		}
		one("group", p.Group, "file", "stem", "folder")
		one("kind", p.Kind, "scans", "package")
		one("numbering", p.Numbering, "at_once", "on_confirm")
		one("codes", p.Codes, "first", "all", "off")
		one("signing", p.Signing, "required", "auto")
		one("driver", p.Driver, "cloudsoda", "hirochachacha")
	}
}

// fill sets the defaults of a drop.
func (p *Drop) fill() {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&p.Group, "file")
	set(&p.Kind, "scans")
	set(&p.Numbering, "at_once")
	set(&p.Codes, "first")
	set(&p.Signing, "required")
	set(&p.Driver, "cloudsoda")
	set(&p.Register, "RPW")
	if !p.After.Delete && !p.After.Leave {
		set(&p.After.Move, "_zarejestrowane")
	}
	for _, t := range []struct {
		at *time.Duration
		v  time.Duration
	}{{&p.Every, 10 * time.Second}, {&p.Settle, 3 * time.Second}, {&p.GiveUp, 10 * time.Minute}, {&p.After.Keep, 7 * 24 * time.Hour}} {
		if *t.at == 0 {
			*t.at = t.v
		}
	}
	if p.MaxSize == 0 {
		p.MaxSize = 500e6
	}
}

// absSocket makes the path of unix:PATH absolute.
func absSocket(dir, listen string) string {
	p, ok := strings.CutPrefix(listen, "unix:")
	if !ok || filepath.IsAbs(p) {
		return listen
	}
	return "unix:" + filepath.Join(dir, p)
}

func isName(s string) bool {
	if s == "" || len(s) > 60 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// hasPassword reports whether a PostgreSQL address carries a secret.
func hasPassword(dsn string) bool {
	if _, rest, ok := strings.Cut(dsn, "://"); ok {
		user, _, ok := strings.Cut(rest, "@")
		return strings.Contains(dsn, "password=") || ok && strings.Contains(user, ":")
	}
	return strings.Contains(dsn, "password=")
}
