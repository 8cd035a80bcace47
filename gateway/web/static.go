package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// An asset is a file of ours that pages fetch: named by its digest, so that
// browsers may keep it for ever.
type asset struct {
	media        string
	plain, small []byte // small: gzipped
}

// assets are found by their public name; names gives that of each file.
type assets struct {
	files map[string]asset
	names map[string]string
}

// mediaTypes are ours, not those of the machine.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

func loadAssets() (assets, error) {
	a := assets{files: map[string]asset{}, names: map[string]string{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		var small bytes.Buffer
		z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(b); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		base, ext := path.Base(name), path.Ext(name)
		digest := sha256.Sum256(b)
		public := strings.TrimSuffix(base, ext) + "." + hex.EncodeToString(digest[:6]) + ext
		a.files[public] = asset{media: mediaTypes[ext], plain: b, small: small.Bytes()}
		a.names[base] = public
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("reading the embedded files: %w", err)
	}
	return a, nil
}

// path gives the address of a file.
func (a assets) path(name string) (string, error) {
	public, ok := a.names[name]
	if !ok {
		return "", fmt.Errorf("there is no file %q", name)
	}
	return "/static/" + public, nil
}

func (w *Web) static(rw http.ResponseWriter, r *http.Request) error {
	f, ok := w.assets.files[r.PathValue("name")]
	if !ok {
		return errNoPage
	}
	h := rw.Header()
	h.Set("Content-Type", f.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		_, _ = rw.Write(f.small) // who asked may have gone
		return nil
	}
	_, _ = rw.Write(f.plain)
	return nil
}

func (w *Web) favicon(rw http.ResponseWriter, r *http.Request) {
	to, err := w.assets.path("icon.svg")
	if err != nil {
		http.NotFound(rw, r)
		return
	}
	http.Redirect(rw, r, to, http.StatusFound)
}
