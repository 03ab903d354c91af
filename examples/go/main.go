// A menu that connects to the desk or takes a message. Nothing but the standard library: `TOKEN=… PORT=3000 go run
// main.go`, and the number's URL is http://<this host>:3000/voice. TOKEN is the account's; whoever does not sign with it
// gets 403.
package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"html"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"sort"
	"strings"
)

const largest = 64 * 1024

func say(text string) string { return "<Say>" + html.EscapeString(text) + "</Say>" }

const message = `<Record maxLength="60" timeout="3" action="/recorded"/>`

func menu(url.Values) string {
	return `<Gather numDigits="1" timeout="5" action="/choice">` +
		say("Press one for the desk, two to leave a message.") + `</Gather>` + say("You pressed nothing. Good bye.")
}

func choice(form url.Values) string {
	switch form.Get("Digits") {
	case "1":
		return `<Dial timeout="20" action="/dialled">` + html.EscapeString(setting("DESK", "+12025550100")) + `</Dial>`
	case "2":
		return say("Speak after the tone.") + message
	}
	return say("There is no such choice.") + "<Redirect>/voice</Redirect>"
}

func dialled(form url.Values) string {
	if form.Get("DialCallStatus") == "completed" {
		return "<Hangup/>"
	}
	return say("Nobody answers. Speak after the tone.") + message
}

func recorded(form url.Values) string {
	fmt.Printf("message from %q: %q\n", form.Get("From"), form.Get("RecordingUrl"))
	return say("Thank you.")
}

// isOurs looks at the form's fields (none for a GET) and the header's value.
func isOurs(token, address string, fields url.Values, signature string) bool {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	var text strings.Builder
	text.WriteString(address)
	for _, name := range names {
		values := append([]string(nil), fields[name]...)
		sort.Strings(values)
		for at, value := range values {
			if at == 0 || value != values[at-1] {
				text.WriteString(name + value)
			}
		}
	}
	given, err := base64.StdEncoding.DecodeString(signature)
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(text.String()))
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

func setting(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func main() {
	token := os.Getenv("TOKEN")
	if token == "" {
		log.Fatal("TOKEN is missing: the account's token is expected")
	}
	pages := map[string]func(url.Values) string{
		"/voice": menu, "/choice": choice, "/dialled": dialled, "/recorded": recorded,
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, largest)
		// Behind a proxy: the scheme and host that the box asked for.
		address := "http://" + r.Host + r.RequestURI
		if r.ParseForm() != nil || !isOurs(token, address, r.PostForm, r.Header.Get("X-Twilio-Signature")) {
			http.Error(w, "not signed", http.StatusForbidden)
			return
		}
		page, found := pages[r.RequestURI]
		if !found {
			http.Error(w, "no such page", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, "<Response>%s</Response>", page(r.PostForm))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+setting("PORT", "3000"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on port %d\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, http.HandlerFunc(handler)))
}
