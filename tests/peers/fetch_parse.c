/* The peer of `fetch.parse`: the same POST over one kept connection with libcurl, the answer parsed with libxml2 and its
 * elements, attributes and texts visited. Prints CPU and wall time a request in microseconds.
 * Build: gcc -O2 fetch_parse.c -o fetch_parse $(curl-config --cflags --libs) $(xml2-config --cflags --libs) */
#include <curl/curl.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct body {
    char octets[65536];
    size_t length;
};

static size_t keep(char *data, size_t size, size_t count, void *into) {
    struct body *body = into;
    size_t length = size * count;
    if (body->length + length > sizeof body->octets) return 0;
    memcpy(body->octets + body->length, data, length);
    body->length += length;
    return length;
}

static size_t visit(const xmlNode *node) {
    size_t seen = 0;
    for (; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            seen += 1;
            for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
                xmlChar *value = xmlNodeListGetString(node->doc, attribute->children, 1);
                seen += value != NULL;
                xmlFree(value);
            }
        } else if (node->type == XML_TEXT_NODE) {
            seen += node->content != NULL;
        }
        seen += visit(node->children);
    }
    return seen;
}

static double seconds(struct timespec at) { return at.tv_sec + at.tv_nsec / 1e9; }

static double cpu(void) {
    struct timespec at;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return seconds(at);
}

static double wall(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return seconds(at);
}

int main(int count, char **words) {
    if (count != 4) return fprintf(stderr, "fetch_parse URL FORM COUNT\n"), 2;
    long requests = atol(words[3]), warm_up = requests / 10 + 1;
    static struct body body;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    headers = curl_slist_append(headers, "X-Twilio-Signature: 0000000000000000000000000000");
    headers = curl_slist_append(headers, "I-Twilio-Idempotency-Token: 00000000000000000000000000000000");
    curl_easy_setopt(curl, CURLOPT_URL, words[1]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, words[2]);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    size_t seen = 0;
    double cpu_from = 0, wall_from = 0;
    for (long request = -warm_up; request < requests; request++) {
        if (request == 0) cpu_from = cpu(), wall_from = wall();
        body.length = 0;
        if (curl_easy_perform(curl) != CURLE_OK) return fprintf(stderr, "the request failed\n"), 1;
        xmlDoc *document = xmlReadMemory(body.octets, (int)body.length, NULL, NULL, XML_PARSE_NONET);
        if (!document) return fprintf(stderr, "no document\n"), 1;
        seen += visit(document->children);
        xmlFreeDoc(document);
    }
    printf("%.3f %.3f %zu\n", (cpu() - cpu_from) * 1e6 / requests, (wall() - wall_from) * 1e6 / requests,
           seen / (size_t)(requests + warm_up));
    return 0;
}
