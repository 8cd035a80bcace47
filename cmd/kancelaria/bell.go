package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/mail"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/notify"
	"kancelaria/registry"
)

func (d *daemon) newBell() (*notify.Bell, error) {
	out, err := mailChannel(d.cfg, d.now, d.log)
	if err != nil {
		return nil, withCode(exitConfig, err)
	}
	channels, err := furtherChannels(d.cfg, documents{d.house}, d.now)
	if err != nil {
		return nil, withCode(exitConfig, err)
	}
	o := notify.Options{
		Node: d.cfg.Node, From: d.cfg.Mail.From, Tokens: d.tokens, Web: d.cfg.Web.BaseURL, EnglishAlways: d.cfg.Receipts.English,
		PerSender: d.cfg.Receipts.PerSender10min, PerSenderDay: d.cfg.Receipts.PerSenderDay, PerClerk: d.cfg.Notices.PerQuarterHour,
		UpTo: d.registrar.Copied, Prover: prover{d}, Undelivered: d.unreachable.Undelivered, Channels: channels, Documents: documents{d.house},
		Settled: func(_ context.Context, s notify.Settled) { d.journal.Told(s.Row) },
		Shadow:  d.cfg.Mode == "shadow", Now: d.now, Log: d.log,
	}
	if o.Signer, err = newSigners(d.cfg, d.now, d.log); err != nil {
		return nil, withCode(exitConfig, err)
	}
	return notify.New(d.book, d.orders.office, out, o), nil
}

// mailChannel is how mails leave: by the office's relay, or into files.
func mailChannel(cfg *config.Config, now func() time.Time, log *slog.Logger) (notify.Channel, error) {
	if cfg.Mail.Relay == "" {
		return notify.NewMaildir(string(cfg.Mail.Maildir), cfg.SMTP.Hostname, now), nil
	}
	return newRelay(cfg, now, log)
}

func newRelay(cfg *config.Config, now func() time.Time, log *slog.Logger) (*notify.Relay, error) {
	m := cfg.Mail
	o := notify.RelayOptions{Address: m.Relay, Username: m.Username, TLS: m.TLS, Hostname: cfg.SMTP.Hostname, Now: now, Log: log}
	if m.PasswordFile != "" {
		o.Password = func() (string, error) { return readSecret(string(m.PasswordFile)) }
	}
	return notify.NewRelay(o)
}

// furtherChannels are those that clerks can choose beside mail.
func furtherChannels(cfg *config.Config, docs notify.Documents, now func() time.Time) (map[string]notify.Channel, error) {
	channels := map[string]notify.Channel{}
	if dir := string(cfg.Notices.Folder); dir != "" {
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return nil, fmt.Errorf("notices.folder: %s is no folder; make it, with a folder for each clerk to read", dir)
		}
		channels["folder"] = notify.NewFolder(notify.NewLocalShelf(dir), docs)
	}
	for _, w := range cfg.Notices.Webhooks {
		secret, err := readSecret(string(w.SecretFile))
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", w.Name, err)
		}
		channel, err := notify.NewWebhook(notify.WebhookOptions{
			URL: w.URL, Secret: []byte(secret), ContentType: w.ContentType, Template: w.Template, Zone: cfg.Zone, Language: cfg.Language, Now: now,
		})
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", w.Name, err)
		}
		channels[w.Name] = channel
	}
	return channels, nil
}

// signers sign a mail one after the other: the seal is part of what DKIM covers.
type signers []notify.Signer

// Sign implements notify.Signer.
func (all signers) Sign(mail []byte) ([]byte, error) {
	var err error
	for _, s := range all {
		if mail, err = s.Sign(mail); err != nil {
			return nil, err
		}
	}
	return mail, nil
}

func newSigners(cfg *config.Config, now func() time.Time, log *slog.Logger) (notify.Signer, error) {
	var all signers
	stamp, err := newSeal(cfg, now, log)
	if err != nil {
		return nil, err
	}
	if stamp != nil {
		all = append(all, stamp)
	}
	key, err := newDKIM(cfg)
	if err != nil {
		return nil, err
	}
	if key != nil {
		all = append(all, key)
	}
	if all == nil {
		return nil, nil
	}
	return all, nil
}

// newDKIM reads the key that signs our mails; nil if there is none.
func newDKIM(cfg *config.Config) (*notify.DKIM, error) {
	k := cfg.Mail.DKIM
	if k.KeyFile == "" {
		return nil, nil
	}
	domain := k.Domain
	if domain == "" {
		from, err := mail.ParseAddress(cfg.Mail.From)
		if err != nil {
			return nil, fmt.Errorf("mail.dkim: mail.from is no address, and no domain is named: %w", err)
		}
		_, domain, _ = strings.Cut(from.Address, "@")
	}
	key, err := readSecret(string(k.KeyFile))
	if err != nil {
		return nil, fmt.Errorf("mail.dkim: %w", err)
	}
	return notify.NewDKIM(domain, k.Selector, []byte(key))
}

// channelsKnown complains of clerks who want to be told by a channel that
// kancelaria.yaml does not furnish.
func channelsKnown(cfg *config.Config, office *registry.Office) []filed {
	known := cfg.Channels()
	var all []filed
	for _, login := range slices.Sorted(maps.Keys(office.Clerks)) {
		for _, c := range office.Clerks[login].Channels {
			if !slices.Contains(known, c) {
				all = append(all, filed{config.Complaint{
					Code: "E102", File: base(string(cfg.Office)), Text: fmt.Sprintf("clerk %q is to be told by the channel %q, which kancelaria.yaml does not have", login, c),
					Fix: "channels are " + strings.Join(known, ", "),
				}, exitConfig})
			}
		}
	}
	return all
}

// documents opens what may leave the archive with a notice, or be copied into
// a clerk's folder.
type documents struct{ *house }

// Documents implements notify.Documents: the letter itself, then what is
// attached to it. Of what was not scanned, or was found to be harmful, nothing.
func (d documents) Documents(ctx context.Context, number registry.Number) ([]notify.Document, error) {
	page, err := d.book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: number, Limit: 1})
	if err != nil || len(page.Works) == 0 {
		return nil, err
	}
	w := page.Works[0]
	if w.Restricted || registry.Locked(w.Flags) != "" {
		return nil, nil
	}
	found, err := d.book.Find(ctx, registry.Query{Of: registry.FindLine, Number: number, Limit: 1})
	if err != nil || len(found.Leaves) == 0 {
		return nil, err
	}
	var line registry.Line
	if json.Unmarshal(found.Leaves[0].Content, &line) != nil || line.Draft.Arrival == nil {
		return nil, nil // erased
	}
	it := line.Draft.Arrival.Item
	it.Place = w.Place
	name := it.Original.Name
	if name == "" {
		name = number.String() + ".eml"
	}
	all := []notify.Document{{Name: name, MediaType: w.MediaType, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return d.originals.Original(ctx, w)
	}}}
	for _, a := range line.Draft.Arrival.Document.Attachments {
		if a.Role == registry.RoleAttachment && !strings.Contains(a.Path, "!") {
			all = append(all, notify.Document{Name: path.Base(a.Name), MediaType: a.MediaType, Open: func(ctx context.Context) (io.ReadCloser, error) {
				return d.originals.Attachment(ctx, it, a.Path)
			}})
		}
	}
	return all, nil
}
