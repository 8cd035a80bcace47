package main

import (
	"fmt"
	"os"
	"path/filepath"

	"kancelaria/cmd/internal/config"
	"kancelaria/rules"
)

// maxRules bounds office.yaml and rules.yaml before they are looked at.
const maxRules = 4 << 20

// A filed complaint is one of office.yaml (exit 3) or of rules.yaml (exit 4).
type filed struct {
	rules.Complaint
	code int
}

// readOrders reads both files and gives what stands in them with every
// complaint, warnings too.
func readOrders(cfg *config.Config) (*inForce, []filed, error) {
	var all []filed
	note := func(code int, cs []rules.Complaint) {
		for _, c := range cs {
			all = append(all, filed{c, code})
		}
	}
	data, err := readBounded(string(cfg.Office))
	if err != nil {
		return nil, nil, withCode(exitConfig, err)
	}
	office, complaints := rules.LoadOffice(filepath.Base(string(cfg.Office)), data)
	note(exitConfig, complaints)
	if rules.Failed(complaints) {
		return nil, all, nil
	}
	office.Zone, office.Language = cfg.Zone, cfg.Language
	source := data
	all = append(all, channelsKnown(cfg, office)...)
	if data, err = readBounded(string(cfg.Rules)); err != nil {
		return nil, nil, withCode(exitConfig, err)
	}
	set, complaints := rules.Load(filepath.Base(string(cfg.Rules)), data, office)
	note(exitRules, complaints)
	return &inForce{office, set, source}, all, nil
}

func readBounded(file string) ([]byte, error) {
	st, err := os.Stat(file)
	if err == nil && st.Size() > maxRules {
		return nil, fmt.Errorf("%s is over %d bytes: not a file of ours", file, maxRules)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(file), err)
	}
	return data, nil
}

// failing turns complaints into an error with the exit code of the worst.
func failing(all []filed) error {
	text, code := "", 0
	for _, c := range all {
		if c.Warning {
			continue
		}
		if text != "" {
			text += "\n"
		}
		text += c.String()
		if code == 0 || c.code < code {
			code = c.code
		}
	}
	if code == 0 {
		return nil
	}
	return withCode(code, fmt.Errorf("%s", text))
}
