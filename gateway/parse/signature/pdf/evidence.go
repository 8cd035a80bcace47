package pdf

const (
	mostEvidence    = 1000
	largestEvidence = 20 << 20
)

// evidence reads the document security store of the latest revision.
func (v *view) evidence() (e Evidence) {
	store := dictOf(v.get(v.catalog().get("DSS")))
	if store == nil {
		return e
	}
	e.Certificates, e.OCSPs, e.CRLs = v.values(store.get("Certs")), v.values(store.get("OCSPs")), v.values(store.get("CRLs"))
	return e
}

func (v *view) values(o object) (all [][]byte) {
	total := 0
	for _, o := range listOf(v.get(o)) {
		st, ok := v.get(o).(*stream)
		if !ok || len(all) >= mostEvidence || total > largestEvidence {
			continue
		}
		b, err := v.f.decode(st, v)
		if err != nil {
			v.f.note(err)
			continue
		}
		total += len(b)
		all = append(all, b)
	}
	return all
}
