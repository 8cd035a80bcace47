// Package s3 is the second home of registered originals: object storage with a
// lock, so that not even whoever holds the office's machine can change them.
//
// A Bucket speaks to the server; a Mover fills it from the archive's segments,
// keeps the locks in step with the file plan, and gives local space back once
// the server has returned an original and it matched. Nothing waits for it:
// registering goes on while the server is away.
package s3

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"kancelaria/registry"
)

// Options of a Bucket. Endpoint, Bucket and the keys are required.
type Options struct {
	Endpoint string // https://s3.example:9000
	Region   string
	Bucket   string
	Prefix   string // of object names, for a bucket shared with others
	// Keys gives the access key and the secret key.
	Keys func() (access, secret string, err error)
	// Transport is used instead of one made here; tests set it.
	Transport http.RoundTripper
}

// A Bucket is object storage with a lock.
type Bucket struct {
	o      Options
	client *minio.Client
}

// ErrLocked means that an object cannot go before its term.
var ErrLocked = errors.New("the second home still holds it under lock")

// How long one request to the server may take, without what it transfers.
const answerWithin = 30 * time.Second

// New makes a Bucket; no server is asked yet.
func New(o Options) (*Bucket, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("archive.s3.endpoint %q: write https://host or http://host:port", o.Endpoint)
	}
	access, secret, err := o.Keys()
	if err != nil {
		return nil, fmt.Errorf("the keys of archive.s3: %w", err)
	}
	if o.Transport == nil {
		t, err := minio.DefaultTransport(u.Scheme == "https")
		if err != nil {
			return nil, fmt.Errorf("archive.s3: %w", err)
		}
		t.ResponseHeaderTimeout = answerWithin
		o.Transport = t
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(access, secret, ""), Secure: u.Scheme == "https", Region: o.Region,
		Transport: o.Transport, MaxRetries: 1, // whoever asks comes again by itself
	})
	if err != nil {
		return nil, fmt.Errorf("archive.s3: %w", err)
	}
	return &Bucket{o, client}, nil
}

// Check says in words what would keep the bucket from being a second home.
func (b *Bucket) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	there, err := b.client.BucketExists(ctx, b.o.Bucket)
	if err != nil {
		return fmt.Errorf("asking %s for the bucket %s: %w", b.o.Endpoint, b.o.Bucket, plain(err))
	}
	if !there {
		return fmt.Errorf("there is no bucket %s at %s; make one with object lock (it can't be switched on later)", b.o.Bucket, b.o.Endpoint)
	}
	lock, _, _, _, err := b.client.GetObjectLockConfig(ctx, b.o.Bucket)
	if err != nil && minio.ToErrorResponse(err).Code != "ObjectLockConfigurationNotFoundError" {
		return fmt.Errorf("asking for the object lock of %s: %w", b.o.Bucket, plain(err))
	}
	if lock != "Enabled" {
		return fmt.Errorf("the bucket %s has no object lock; make another one with it (it can't be switched on later)", b.o.Bucket)
	}
	versions, err := b.client.GetBucketVersioning(ctx, b.o.Bucket)
	if err != nil {
		return fmt.Errorf("asking for the versions of %s: %w", b.o.Bucket, plain(err))
	}
	if !versions.Enabled() {
		return fmt.Errorf("the bucket %s keeps no versions; switch versioning on", b.o.Bucket)
	}
	return nil
}

// digestKey is the metadata that names the digest of an object.
const digestKey = "Sha256"

// Put stores an original under a name and locks it until a time. What is there
// already under the name, with the same digest and length, serves: a crash
// between storing and remembering costs no second version. The locator names
// the version.
func (b *Bucket) Put(ctx context.Context, name string, o registry.OpenOriginal, until time.Time) (locator string, err error) {
	name = b.o.Prefix + name
	if version, ok := b.have(ctx, name, o); ok {
		return locate(name, version), b.Extend(ctx, locate(name, version), until)
	}
	if _, err := o.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("reading the original: %w", err)
	}
	info, err := b.client.PutObject(ctx, b.o.Bucket, name, o, o.Size(), minio.PutObjectOptions{
		ContentType: "application/octet-stream", DisableMultipart: o.Size() < 5<<30,
		UserMetadata: map[string]string{digestKey: o.Digest().String()},
		Mode:         minio.Compliance, RetainUntilDate: until.UTC().Truncate(time.Second),
		SendContentMd5: true, // demanded with a lock
	})
	if err != nil {
		return "", fmt.Errorf("storing %s: %w", name, plain(err))
	}
	if info.VersionID == "" {
		return "", fmt.Errorf("storing %s: the server named no version; is versioning on?", name)
	}
	return locate(name, info.VersionID), nil
}

// have finds a version stored before.
func (b *Bucket) have(ctx context.Context, name string, o registry.OpenOriginal) (version string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	info, err := b.client.StatObject(ctx, b.o.Bucket, name, minio.StatObjectOptions{})
	if err != nil || info.VersionID == "" || info.Size != o.Size() {
		return "", false
	}
	return info.VersionID, info.UserMetadata[digestKey] == o.Digest().String()
}

// Open implements archive.Home.
func (b *Bucket) Open(ctx context.Context, locator string) (io.ReadCloser, error) {
	name, version, err := split(locator)
	if err != nil {
		return nil, err
	}
	object, err := b.client.GetObject(ctx, b.o.Bucket, name, minio.GetObjectOptions{VersionID: version})
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", name, plain(err))
	}
	return &fetched{object, name}, nil
}

// fetched words the errors of reading.
type fetched struct {
	*minio.Object
	name string
}

func (f *fetched) Read(p []byte) (int, error) {
	n, err := f.Object.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("fetching %s: %w", f.name, plain(err))
	}
	return n, err
}

// Returns reads an original back and compares it.
func (b *Bucket) Returns(ctx context.Context, locator string, want registry.Digest, size int64) error {
	rd, err := b.Open(ctx, locator)
	if err != nil {
		return err
	}
	defer rd.Close()
	digest := sha256.New()
	n, err := io.Copy(digest, io.LimitReader(rd, size+1))
	if err != nil {
		return err
	}
	if n != size || registry.Digest(digest.Sum(nil)) != want {
		return fmt.Errorf("%w: the second home gave other bytes for %s", registry.ErrDamaged, locator)
	}
	return nil
}

// Extend locks a version until a later time. A lock is never made shorter: the
// server refuses that, and so do we.
func (b *Bucket) Extend(ctx context.Context, locator string, until time.Time) error {
	name, version, err := split(locator)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	until = until.UTC().Truncate(time.Second)
	if before := b.lockedUntil(ctx, name, version); !before.Before(until) {
		return nil
	}
	mode := minio.Compliance
	err = b.client.PutObjectRetention(ctx, b.o.Bucket, name, minio.PutObjectRetentionOptions{VersionID: version, Mode: &mode, RetainUntilDate: &until})
	if err != nil {
		return fmt.Errorf("lengthening the lock of %s: %w", name, plain(err))
	}
	return nil
}

// lockedUntil asks for the end of a lock; zero if there is none or the server
// does not say. The header is read and not the document about the lock, which
// servers word differently.
func (b *Bucket) lockedUntil(ctx context.Context, name, version string) time.Time {
	info, err := b.client.StatObject(ctx, b.o.Bucket, name, minio.StatObjectOptions{VersionID: version})
	if err != nil {
		return time.Time{}
	}
	until, err := time.Parse(time.RFC3339, info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	if err != nil {
		return time.Time{}
	}
	return until
}

// Remove takes a version away, which the law may demand once its lock is over;
// before, it is ErrLocked.
func (b *Bucket) Remove(ctx context.Context, locator string, now time.Time) error {
	name, version, err := split(locator)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if until := b.lockedUntil(ctx, name, version); until.After(now) {
		return fmt.Errorf("%w until %s: %s", ErrLocked, until.Format(time.RFC3339), name)
	}
	err = b.client.RemoveObject(ctx, b.o.Bucket, name, minio.RemoveObjectOptions{VersionID: version})
	if minio.ToErrorResponse(err).Code == "AccessDenied" { // what servers say of a lock, too
		return fmt.Errorf("%w, or the office's keys may not remove: %s", ErrLocked, name)
	}
	if err != nil {
		return fmt.Errorf("removing %s: %w", name, plain(err))
	}
	return nil
}

// locate writes name and version as one word.
func locate(name, version string) string { return name + "?versionId=" + url.QueryEscape(version) }

// split reads it.
func split(locator string) (name, version string, err error) {
	name, query, ok := strings.Cut(locator, "?versionId=")
	if version, err = url.QueryUnescape(query); err != nil || !ok || name == "" || version == "" {
		return "", "", fmt.Errorf("%q does not locate an object in the second home", locator)
	}
	return name, version, nil
}

// plain words an error of the server without its request.
func plain(err error) error {
	r := minio.ToErrorResponse(err)
	switch r.Code {
	case "":
		return err
	case "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return fmt.Errorf("the server refuses the office's keys (%s): give them the right to read, write and lock objects", r.Code)
	case "NoSuchKey", "NoSuchVersion":
		return fmt.Errorf("%w (%s)", registry.ErrNotFound, r.Code)
	default:
		return fmt.Errorf("%s: %s", r.Code, r.Message)
	}
}
