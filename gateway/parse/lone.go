package parse

import (
	"io"
	"path"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

// lone reads an original that is a file of its own: a scan, an upload.
func (run *reading) lone() {
	name := charset.Clean(run.it.Original.Name)
	if name == "" && run.it.File != nil {
		name = charset.Clean(path.Base(run.it.File.Path))
	}
	size := run.src.Size()
	f := file{
		path: "1", raw: name, declared: run.it.Original.MediaType, role: registry.RoleBody,
		at: io.NewSectionReader(run.src, 0, size), size: size, end: size, encoding: "binary",
	}
	f.open = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(run.src, 0, size)), nil }
	index, k, held := run.note(f)
	if run.seek == nil {
		run.doc.Redelivery = run.doc.Attachments[index].Digest
		run.doc.Hints = run.r.scanHints(name)
		if k.text {
			run.hold(passage{raw: held, html: k.html, role: registry.RoleBody, index: index})
		}
	}
	run.inside(f, k, index, place{})
}
