// go-msgauth and mox as peers of the benchmarks: see python.py for the lines that are read and written.
// Arguments: the peer, and the folder of the corpus.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim"
	"github.com/mjl-/mox/dkim"
	"github.com/mjl-/mox/dmarc"
	"github.com/mjl-/mox/dns"
	"github.com/mjl-/mox/message"
	"github.com/mjl-/mox/smtp"
	"github.com/mjl-/mox/spf"
)

const authservID = "mx.example.org"

// A message and its connection.
type mail struct {
	raw                []byte
	ip, helo, mailFrom string
}

type job func(mail) error

// The messages of a case: one, or those that a mix lists.
func mails(path string) ([]mail, error) {
	lines := []string{path + "\t192.0.2.10\tout.example.com\tbounce@mail.example.com"}
	if strings.HasSuffix(path, ".tsv") {
		list, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		lines = strings.Split(strings.TrimSpace(string(list)), "\n")
	}
	var found []mail
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		raw, err := os.ReadFile(fields[0])
		if err != nil {
			return nil, err
		}
		found = append(found, mail{raw, fields[1], fields[2], fields[3]})
	}
	return found, nil
}

// The DNS in memory, in the form of mox.
func resolver(folder string) (dns.MockResolver, error) {
	found := dns.MockResolver{TXT: map[string][]string{}, A: map[string][]string{}, MX: map[string][]*net.MX{}}
	data, err := os.ReadFile(filepath.Join(folder, "zone.json"))
	if err != nil {
		return found, err
	}
	var zone map[string]struct {
		TXT, A []string
		MX     [][2]any
	}
	if err := json.Unmarshal(data, &zone); err != nil {
		return found, err
	}
	for name, types := range zone {
		found.TXT[name+"."], found.A[name+"."] = types.TXT, types.A
		for _, each := range types.MX {
			exchange := &net.MX{Pref: uint16(each[0].(float64)), Host: each[1].(string) + "."}
			found.MX[name+"."] = append(found.MX[name+"."], exchange)
		}
		if types.TXT == nil {
			delete(found.TXT, name+".")
		}
	}
	return found, nil
}

// DKIM with go-msgauth; it has no evaluation of SPF and DMARC.
func withMsgauth(zone dns.MockResolver) map[string]job {
	options := &msgauth.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		found, _, err := zone.LookupTXT(context.Background(), name+".")
		return found, err
	}}
	only := func(m mail) error {
		found, err := msgauth.VerifyWithOptions(bytes.NewReader(m.raw), options)
		if err != nil {
			return err
		}
		for _, each := range found {
			if each.Err != nil {
				return each.Err
			}
		}
		if len(found) == 0 {
			return fmt.Errorf("none")
		}
		return nil
	}
	return map[string]job{"mix-dkim": only, "dkim": only}
}

// SPF, DKIM, DMARC and the field with mox, which has no ARC.
func withMox(zone dns.MockResolver) map[string]job {
	ctx, log := context.Background(), slog.New(slog.DiscardHandler)
	host := dns.Domain{ASCII: authservID}
	signatures := func(m mail) ([]dkim.Result, error) {
		found, err := dkim.Verify(ctx, log, zone, false, dkim.DefaultPolicy, bytes.NewReader(m.raw), true)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("none")
		}
		for _, each := range found {
			if each.Status != dkim.StatusPass && err == nil {
				err = fmt.Errorf("%s: %w", each.Status, each.Err)
			}
		}
		return found, err
	}
	only := func(m mail) error {
		_, err := signatures(m)
		return err
	}
	all := func(m mail) error {
		from, _, _, err := message.From(log, false, bytes.NewReader(m.raw), nil)
		if err != nil {
			return err
		}
		found, err := signatures(m)
		if err != nil {
			return err
		}
		local, domain, _ := strings.Cut(m.mailFrom, "@")
		sender, senderDomain, _, _, err := spf.Verify(ctx, log, zone, spf.Args{
			RemoteIP: net.ParseIP(m.ip), MailFromLocalpart: smtp.Localpart(local),
			MailFromDomain: dns.Domain{ASCII: domain}, HelloDomain: dns.IPDomain{Domain: dns.Domain{ASCII: m.helo}},
			LocalIP: net.ParseIP("203.0.113.1"), LocalHostname: host,
		})
		if err != nil || sender.Result != spf.StatusPass {
			return fmt.Errorf("spf %s: %w", sender.Result, err)
		}
		_, policy := dmarc.Verify(ctx, log, zone, from.Domain, found, sender.Result, &senderDomain, false)
		if policy.Status != dmarc.StatusPass {
			return fmt.Errorf("dmarc %s: %w", policy.Status, policy.Err)
		}
		field := message.AuthResults{Hostname: authservID}
		for _, each := range found {
			field.Methods = append(field.Methods, message.AuthMethod{
				Method: "dkim", Result: string(each.Status), Props: []message.AuthProp{
					message.MakeAuthProp("header", "d", each.Sig.Domain.Name(), true, ""),
					message.MakeAuthProp("header", "s", each.Sig.Selector.Name(), true, ""),
				},
			})
		}
		field.Methods = append(field.Methods, message.AuthMethod{
			Method: "spf", Result: string(sender.Result),
			Props: []message.AuthProp{message.MakeAuthProp("smtp", "mailfrom", senderDomain.Name(), true, "")},
		}, message.AuthMethod{
			Method: "dmarc", Result: string(policy.Status),
			Props: []message.AuthProp{message.MakeAuthProp("header", "from", from.Domain.Name(), true, "")},
		})
		if field.Header() == "" {
			return fmt.Errorf("no field")
		}
		return nil
	}
	return map[string]job{"mix": all, "all": all, "mix-dkim": only, "dkim": only}
}

func version(module string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, each := range info.Deps {
			if each.Path == module {
				return strings.TrimPrefix(each.Version, "v")
			}
		}
	}
	return ""
}

func main() {
	zone, err := resolver(os.Args[2])
	if err != nil {
		fmt.Printf("missing\t%v\n", err)
		return
	}
	module, jobs := "github.com/emersion/go-msgauth", withMsgauth(zone)
	if os.Args[1] == "mox" {
		module, jobs = "github.com/mjl-/mox", withMox(zone)
	}
	fmt.Printf("ready\t%s", version(module))
	for name := range jobs {
		fmt.Printf("\t%s", name)
	}
	fmt.Println()
	var kept string
	var messages []mail
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		if kept != fields[1] {
			if messages, err = mails(fields[1]); err != nil {
				fmt.Printf("error\t%v\n", err)
				continue
			}
			kept = fields[1]
		}
		repeats, _ := strconv.Atoi(fields[2])
		verdict, start := "pass", time.Now()
		for range repeats {
			for _, each := range messages {
				if err := jobs[fields[0]](each); err != nil {
					verdict = strings.Join(strings.Fields(err.Error()), " ")
				}
			}
		}
		fmt.Printf("%.9f\t%s\n", time.Since(start).Seconds(), verdict)
	}
}
