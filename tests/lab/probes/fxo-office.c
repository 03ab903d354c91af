/* fxo-office: a telephone exchange with several lines, each on an fxoks channel, that connects one with another: dial
 * tone, the number, ringing with caller identity and ringback, the answer, sound both ways, and busy tone for whoever
 * is left when the other hangs up. No reversal and no battery drop tells of anything. The tones are its own. The sound
 * of a connection is crossed by the kernel, so a late machine tears no holes into it. Tells what happens as one JSON
 * object a line; ends with its standard input. See the README. */
#include "media.h"
#include <getopt.h>

enum { LINES = 8, DIGITS = 16 };
enum state { IDLE, RINGING, DIALING, RINGBACK, TALK, BUSY };

struct tone {
    double f1, f2;
    int on, off;
};

static struct tone dial = {350, 440, 1000, 0}, ringback = {440, 480, 2000, 4000}, busy = {480, 620, 500, 500};

static struct line {
    int channel, fd, rings;
    double loss_db;
    char number[DIGITS + 1], dialed[DIGITS + 1];
    enum state state;
    struct line *other; /* whom it calls, is rung by, or talks with */
    struct media media;
} lines[LINES];
static int count;

static void hook(struct line *l, int what)
{
    if (ioctl(l->fd, DAHDI_HOOK, &what) && errno != EINPROGRESS)
        say("error", ",\"line\":%d,\"text\":\"DAHDI_HOOK %d: %s\"", l->channel, what, strerror(errno));
}

static void plays(struct line *l, const struct tone *t) { media_tone(&l->media, t->f1, t->f2, t->on, t->off); }

static void silent(struct line *l)
{
    media_tone(&l->media, 0, 0, 0, 0);
    media_clip(&l->media, NULL, 0);
}

/* What comes from the line FROM goes out on L too; FROM null: no more. */
static void hears(struct line *l, const struct line *from)
{
    struct dahdi_confinfo conf = {.confno = from ? from->channel : 0, .confmode = from ? DAHDI_CONF_MONITOR : DAHDI_CONF_NORMAL};
    if (ioctl(l->fd, DAHDI_SETCONF, &conf))
        fail("DAHDI_SETCONF on channel %d: %s", l->channel, strerror(errno));
}

/* All that goes out on the line is weaker by so much. */
static void weaken(struct line *l)
{
    struct dahdi_gains gains = {0};
    double factor = pow(10, -l->loss_db / 20);
    for (int i = 0; i < 256; i++) {
        int16_t pcm = l->media.alaw ? alaw_to_linear(i) : ulaw_to_linear(i);
        int16_t weak = (int16_t)lrint(pcm * factor);
        gains.rxgain[i] = i;
        gains.txgain[i] = l->media.alaw ? linear_to_alaw(weak) : linear_to_ulaw(weak);
    }
    if (ioctl(l->fd, DAHDI_SETGAINS, &gains))
        fail("DAHDI_SETGAINS on channel %d: %s", l->channel, strerror(errno));
}

static void is_busy(struct line *l, const char *why)
{
    say("busy", ",\"line\":%d,\"why\":\"%s\"", l->channel, why);
    l->state = BUSY;
    l->other = NULL;
    plays(l, &busy);
}

static void calls(struct line *l, struct line *other)
{
    say("dialed", ",\"line\":%d,\"number\":\"%s\"", l->channel, json(l->dialed));
    if (!other)
        is_busy(l, "no such number");
    else if (other->state != IDLE)
        is_busy(l, "in use");
    else {
        l->state = RINGBACK;
        l->other = other;
        other->state = RINGING;
        other->other = l;
        other->rings = 0;
        hook(other, DAHDI_RING);
        plays(l, &ringback);
        say("ringing", ",\"line\":%d,\"from\":%d", other->channel, l->channel);
    }
}

static void digit(struct line *l, char d)
{
    size_t n = strlen(l->dialed), longest = 0;
    struct line *other = NULL;
    if (l->state != DIALING)
        return;
    silent(l);
    if (n < DIGITS) {
        l->dialed[n++] = d;
        l->dialed[n] = 0;
    }
    for (struct line *o = lines; o < lines + count; o++) {
        longest = strlen(o->number) > longest ? strlen(o->number) : longest;
        if (!strcmp(o->number, l->dialed))
            other = o;
    }
    if (other || n >= longest)
        calls(l, other);
}

static void lifted(struct line *l)
{
    hook(l, DAHDI_OFFHOOK);
    if (l->state == RINGING) {
        say("answered", ",\"line\":%d,\"rings\":%d", l->channel, l->rings);
        silent(l);
        silent(l->other);
        hears(l, l->other);
        hears(l->other, l);
        l->state = l->other->state = TALK;
    } else if (l->state == IDLE) {
        say("seized", ",\"line\":%d", l->channel);
        l->dialed[0] = 0;
        l->state = DIALING;
        plays(l, &dial);
    }
}

static void put_down(struct line *l)
{
    struct line *other = l->other;
    if (l->state == IDLE || l->state == RINGING)
        return;
    hook(l, DAHDI_ONHOOK);
    silent(l);
    hears(l, NULL);
    say("ended", ",\"line\":%d,\"dialed\":\"%s\"", l->channel, json(l->dialed));
    if (l->state == RINGBACK) {
        hook(other, DAHDI_RINGOFF);
        silent(other);
        other->state = IDLE;
        other->other = NULL;
    } else if (l->state == TALK) {
        hears(other, NULL);
        is_busy(other, "the other one has gone");
    }
    l->state = IDLE;
    l->other = NULL;
}

static void event(struct line *l, int e)
{
    say("event", ",\"line\":%d,\"name\":\"%s\"", l->channel, event_name(e));
    if (e == DAHDI_EVENT_RINGOFFHOOK)
        lifted(l);
    else if (e == DAHDI_EVENT_ONHOOK)
        put_down(l);
    else if (e == DAHDI_EVENT_RINGEROFF && l->state == RINGING && ++l->rings == 1) {
        int octets, samples;
        media_identity(&l->media, l->other->number, "", &octets, &samples);
        say("cid_sending", ",\"line\":%d,\"octets\":%d,\"samples\":%d", l->channel, octets, samples);
    }
}

static void usage(void)
{
    fputs("usage: fxo-office --line CHANNEL:NUMBER … [options]\n"
          "  --line CHANNEL:NUMBER   a line and its number; up to 8\n"
          "  --loss CHANNEL:DB       all that goes out on this line is weaker by so much\n"
          "  --dial HZ[+HZ]          dial tone (350+440)\n"
          "  --ringback HZ[+HZ],ON,OFF   in ms (440+480,2000,4000)\n"
          "  --busy HZ[+HZ],ON,OFF   (480+620,500,500)\n",
        stderr);
    exit(3);
}

static struct tone tone(const char *text)
{
    struct tone t = {0, 0, 1000, 0};
    if (sscanf(text, "%lf+%lf,%d,%d", &t.f1, &t.f2, &t.on, &t.off) < 2 &&
        sscanf(text, "%lf,%d,%d", &t.f1, &t.on, &t.off) < 1)
        usage();
    return t;
}

static void add(char *text)
{
    char *colon = strchr(text, ':');
    if (!colon || count == LINES || strlen(colon + 1) > DIGITS || !colon[1])
        usage();
    *colon = 0;
    lines[count].channel = number(text);
    strcpy(lines[count++].number, colon + 1);
}

static void lose(const char *text)
{
    int channel, found = 0;
    double db;
    if (sscanf(text, "%d:%lf", &channel, &db) != 2)
        usage();
    for (struct line *l = lines; l < lines + count; l++)
        if (l->channel == channel) {
            l->loss_db = db;
            found = 1;
        }
    if (!found)
        usage();
}

static void open_line(struct line *l)
{
    struct dahdi_params p;
    l->fd = chan_open(l->channel);
    p = chan_params(l->fd);
    if (p.sigtype != DAHDI_SIG_FXOKS && p.sigtype != DAHDI_SIG_FXOLS)
        fail("channel %d is not signalled fxoks or fxols", l->channel);
    hook(l, DAHDI_ONHOOK);
    media_open(&l->media, l->fd, p.curlaw == DAHDI_LAW_ALAW);
    if (l->loss_db)
        weaken(l);
    while (chan_event(l->fd))
        ;
    say("ready", ",\"line\":%d,\"number\":\"%s\",\"law\":\"%s\"", l->channel, json(l->number), l->media.alaw ? "alaw" : "mulaw");
}

/* What happened on the line, what was heard, what is sent. */
static void run(struct line *l, int told)
{
    char digits[32];
    int e;
    while (told && (e = chan_event(l->fd)))
        event(l, e);
    if (media_run(&l->media, digits))
        for (char *d = digits; *d; d++)
            digit(l, *d);
}

int main(int argc, char **argv)
{
    enum { LINE = 256, LOSS, DIAL, RINGBACK_, BUSY_ };
    static const struct option options[] = {{"line", 1, 0, LINE}, {"loss", 1, 0, LOSS}, {"dial", 1, 0, DIAL},
        {"ringback", 1, 0, RINGBACK_}, {"busy", 1, 0, BUSY_}, {0}};
    int o, open = 1;
    char text[64];
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (o) {
        case LINE: add(optarg); break;
        case LOSS: lose(optarg); break;
        case DIAL: dial = tone(optarg); break;
        case RINGBACK_: ringback = tone(optarg); break;
        case BUSY_: busy = tone(optarg); break;
        default: usage();
        }
    if (!count || optind < argc)
        usage();
    for (int i = 0; i < count; i++)
        open_line(&lines[i]);
    while (open) {
        struct pollfd f[LINES + 1] = {{0}};
        for (int i = 0; i < count; i++)
            f[i] = (struct pollfd){lines[i].fd, POLLIN | POLLPRI, 0};
        f[count] = (struct pollfd){0, POLLIN, 0};
        poll(f, count + 1, 20);
        for (int i = 0; i < count; i++)
            run(&lines[i], f[i].revents & POLLPRI);
        if (f[count].revents)
            open = read(0, text, sizeof text) > 0;
    }
    return 0;
}
