/* bearers: many B channels at once, without signalling: the bare work that any program has with them, far ends that say
 * something all the time, and the delay of a connection. See the lab's README. */
#include "lab.h"
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>

enum { MAX = 64, PIECE = 80, BUFFERS = 8, DEEP = 32, IDLE = 0xd5, OTHER_IDLE = 0x55 };

static int fds[MAX], count;

/* 1-15,17-31 */
static void open_all(const char *list)
{
    while (*list) {
        char *end;
        long from = strtol(list, &end, 10), to = from;
        if (*end == '-')
            to = strtol(end + 1, &end, 10);
        if (from < 1 || to < from || (*end && *end != ','))
            fail("not a list of channels: %s", json(list));
        for (; from <= to && count < MAX; from++)
            fds[count++] = chan_open((int)from);
        list = *end ? end + 1 : end;
    }
}

static void voice(int fd, int buffers, int size)
{
    int one = 1, law = DAHDI_LAW_ALAW;
    chan_buffers(fd, buffers, size);
    if (ioctl(fd, DAHDI_AUDIOMODE, &one) || ioctl(fd, DAHDI_SETLAW, &law))
        fail("audio: %s", strerror(errno));
}

/* Forgets what is queued and puts silence in front. */
static void prime(int fd, int blocks, int size)
{
    uint8_t idle[BLOCK];
    int all = DAHDI_FLUSH_ALL;
    memset(idle, IDLE, sizeof idle);
    if (ioctl(fd, DAHDI_FLUSH, &all))
        fail("DAHDI_FLUSH: %s", strerror(errno));
    for (int i = 0; i < blocks; i++)
        if (write(fd, idle, size) != size)
            fail("priming: %s", strerror(errno));
}

static void real_time(void)
{
    struct sched_param p = {.sched_priority = 50};
    if (sched_setscheduler(0, SCHED_FIFO, &p))
        fail("real-time priority: %s", strerror(errno));
}

static int64_t cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

static long reads, late, unwritten;

/* One block, if there is one. */
static bool turn(int fd)
{
    uint8_t block[PIECE];
    int n = read(fd, block, PIECE);
    if (n < 0) {
        if (errno == EDAHDI_EVENT)
            chan_event(fd);
        late++;
        return false;
    }
    reads++;
    if (write(fd, block, n) != n)
        unwritten++;
    return true;
}

static int ticks(int timer)
{
    int due = 0, event, one = 1;
    for (;;) {
        if (ioctl(timer, DAHDI_GETEVENT, &event))
            fail("timer: %s", strerror(errno));
        if (event != DAHDI_EVENT_TIMER_EXPIRED)
            return due;
        ioctl(timer, DAHDI_TIMERACK, &one);
        due++;
    }
}

/* Reads and writes back blocks of 10 ms. WAY is what is waited for: `poll` all channels, `timer` DAHDI's timer. */
static int loop(const char *list, int seconds, int prefill, const char *way)
{
    struct pollfd p[MAX];
    int timer = -1, size = PIECE;
    int64_t begin = 0, cpu = 0, now, warm, wakes = 0;
    open_all(list);
    real_time();
    for (int i = 0; i < count; i++) {
        voice(fds[i], BUFFERS, PIECE);
        p[i] = (struct pollfd){fds[i], POLLIN | POLLPRI, 0};
    }
    if (!strcmp(way, "timer") && ((timer = open("/dev/dahdi/timer", O_RDWR)) < 0 || ioctl(timer, DAHDI_TIMERCONFIG, &size)))
        fail("/dev/dahdi/timer: %s", strerror(errno));
    for (int i = 0; i < count; i++)
        prime(fds[i], prefill, PIECE);
    warm = now_us() + 1000000;
    while (!begin || now_us() < begin + seconds * 1000000LL) {
        if (!begin && (now = now_us()) >= warm) {
            begin = now;
            cpu = cpu_us();
            reads = late = unwritten = wakes = 0;
        }
        wakes++;
        if (timer >= 0) {
            int due;
            struct pollfd t = {timer, POLLPRI, 0};
            if (!(due = ticks(timer))) {
                poll(&t, 1, 1000);
                due = ticks(timer);
            }
            for (; due > 0; due--)
                for (int i = 0; i < count; i++)
                    turn(fds[i]);
        } else {
            poll(p, count, 1000);
            for (int i = 0; i < count; i++)
                if (p[i].revents)
                    turn(fds[i]);
        }
    }
    cpu = cpu_us() - cpu;
    now = now_us() - begin;
    say("loop", ",\"way\":\"%s\",\"channels\":%d,\"seconds\":%.3f,\"cpu_ms\":%.3f,\"per_100_ms\":%.3f,\"wakes\":%lld,"
        "\"blocks\":%ld,\"not_there\":%ld,\"unwritten\":%ld", way, count, now / 1e6, cpu / 1e3,
        cpu / 1e3 * 100 / (count * (now / 1e6)), (long long)wakes, reads, late, unwritten);
    return 0;
}

static uint8_t alaw(double value)
{
    int pcm = (int)value, exponent = 1, sign = pcm >= 0 ? 0x80 : 0;
    pcm = (pcm < 0 ? -pcm - 1 : pcm) >> 4; /* eleven bits */
    if (pcm > 0x7ff)
        pcm = 0x7ff;
    if (pcm < 0x20)
        return (uint8_t)((sign | pcm) ^ 0x55);
    while (exponent < 7 && pcm >= 0x20 << exponent)
        exponent++;
    return (uint8_t)((sign | exponent << 4 | ((pcm >> exponent) & 15)) ^ 0x55);
}

enum { SOUND = 16000, KEY = 800 };
static uint8_t sound[SOUND + BLOCK], keys[KEY];

/* Two seconds of noise that swells and fades four times a second as speech does, -20 dBm0 on average; and a key. */
static void make_sounds(double low, double high)
{
    uint32_t state = 1;
    double before = 0;
    for (int i = 0; i < SOUND + BLOCK; i++) {
        state = state * 1664525 + 1013904223;
        before = 0.7 * before + ((double)(state >> 8) / (1 << 24) - 0.5) * 9000;
        sound[i] = i < SOUND ? alaw(before * (1.1 + cos(2 * M_PI * 4 * i / 8000))) : sound[i - SOUND];
    }
    for (int i = 0; i < KEY; i++)
        keys[i] = alaw(4000 * sin(2 * M_PI * low * i / 8000) + 5000 * sin(2 * M_PI * high * i / 8000));
}

/* Far ends: say noise (or nothing) on every channel, and count what is heard. Commands: sound | silence | key (the key
 * 5, for 100 ms) | report | quit. */
static int far_ends(const char *list)
{
    static long heard[MAX], at[MAX], key_left[MAX];
    struct pollfd p[MAX + 1];
    bool speaks = true;
    char line[256];
    setvbuf(stdin, NULL, _IONBF, 0);
    make_sounds(770, 1336);
    open_all(list);
    for (int i = 0; i < count; i++) {
        voice(fds[i], BUFFERS, BLOCK);
        prime(fds[i], 3, BLOCK);
        at[i] = i * 397 % SOUND;
        p[i] = (struct pollfd){fds[i], POLLIN | POLLPRI, 0};
    }
    p[count] = (struct pollfd){0, POLLIN, 0};
    say("ready", ",\"channels\":%d", count);
    for (;;) {
        poll(p, count + 1, 1000);
        for (int i = 0; i < count; i++) {
            uint8_t in[BLOCK], out[BLOCK];
            int n = p[i].revents ? read(fds[i], in, BLOCK) : 0;
            if (n < 0 && errno == EDAHDI_EVENT)
                chan_event(fds[i]);
            if (n <= 0)
                continue;
            for (int k = 0; k < n; k++)
                heard[i] += in[k] != IDLE && in[k] != OTHER_IDLE;
            memset(out, IDLE, sizeof out);
            if (key_left[i] > 0) {
                memcpy(out, keys + KEY - key_left[i], n);
                key_left[i] -= n;
            } else if (speaks)
                memcpy(out, sound + at[i], n);
            at[i] = (at[i] + n) % SOUND;
            if (write(fds[i], out, n) != n)
                unwritten++;
        }
        if (!p[count].revents)
            continue;
        if (!fgets(line, sizeof line, stdin) || !strncmp(line, "quit", 4))
            return 0;
        if (!strncmp(line, "report", 6)) {
            long least = 1L << 60, most = 0;
            for (int i = 0; i < count; i++) {
                least = heard[i] < least ? heard[i] : least;
                most = heard[i] > most ? heard[i] : most;
                heard[i] = 0;
            }
            say("heard", ",\"least\":%ld,\"most\":%ld,\"unwritten\":%ld", least, most, unwritten);
        } else if (!strncmp(line, "key", 3))
            for (int i = 0; i < count; i++)
                key_left[i] = KEY;
        else
            speaks = !strncmp(line, "sound", 5);
    }
}

/* ---- delay ---- */

/* What is sent in the pauses: not the silence that others put in, so that theirs is seen. */
enum { PAUSE = 0x54, TONE = 800, LEAST_GAP = 2400, AHEAD = 6, QUIET = 200, EDGES = 512 };

struct ear {
    long at, edges[EDGES];
    int seen, pause, foreign;
    bool begun;
};

/* The first octet of a tone after a pause is an edge. */
static void hear(struct ear *e, const uint8_t *octets, int n)
{
    for (int i = 0; i < n; i++, e->at++) {
        bool idle = octets[i] == IDLE || octets[i] == OTHER_IDLE;
        if (octets[i] == PAUSE || idle) {
            e->begun |= !idle;
            e->foreign += e->begun && idle;
            e->pause++;
        } else {
            if (e->pause >= QUIET && e->begun && e->seen < EDGES)
                e->edges[e->seen++] = e->at;
            e->pause = 0;
        }
    }
}

/* All channels in step: flushed and primed between two ticks of the kernel, which come 4 ms apart. */
static void in_step(struct pollfd *p)
{
    for (int tries = 0; tries < 1000; tries++) {
        uint8_t block[PIECE];
        int64_t begin;
        poll(p, 1, 1000);
        begin = now_us();
        for (int i = 0; i < count; i++)
            prime(fds[i], AHEAD, PIECE);
        if (now_us() - begin < 1500)
            return;
        while (read(fds[0], block, PIECE) > 0)
            ;
    }
    fail("the channels do not come into step");
}

/* Whether the channels have their blocks at the same ticks; -1: too late to tell. */
static int even(struct pollfd *p)
{
    int64_t begin = now_us();
    int there = 0;
    usleep(800);
    poll(p, count, 0);
    for (int i = 0; i < count; i++)
        there += (p[i].revents & POLLIN) != 0;
    return now_us() - begin > 2500 ? -1 : there == count;
}

static uint8_t tone_at[TONE];

/* The block of the stream from POS on: a tone of 100 ms begins at every one of EDGE. */
static void stream(uint8_t *out, long pos, const long *edge, int edges)
{
    for (int i = 0; i < PIECE; i++) {
        out[i] = PAUSE;
        for (int k = 0; k < edges; k++)
            if (pos + i >= edge[k] && pos + i < edge[k] + TONE)
                out[i] = tone_at[pos + i - edge[k]];
    }
}

/* A and B are far ends of channels that somebody connects; R (beside them) is wired directly to WIRE. The same tones go
 * out on A, B and R at once; how much later than on WIRE they come on B and A is the delay of the connection. */
static int delay(const char *a, const char *b, const char *r, const char *wire, int edges, int seed)
{
    enum { FAR_WIRE, FAR_A, FAR_B, FAR_R };
    static struct ear ears[4];
    const char *lists[4] = {wire, a, b, r};
    long edge[EDGES], sent = 0, end;
    struct pollfd p[4];
    int uneven = 0, unknown = 0, restarts = 0, found, checked = 0;
    for (int i = 0; i < TONE; i++) {
        tone_at[i] = alaw(8000 * cos(2 * M_PI * 1000 * i / 8000 + 0.3));
        if (tone_at[i] == IDLE || tone_at[i] == OTHER_IDLE || tone_at[i] == PAUSE)
            tone_at[i] = 0xd4;
    }
    edges = edges < EDGES ? edges : EDGES;
    for (int k = 0; k < edges; k++) {
        seed = (int)(((unsigned)seed * 1103515245u + 12345u) & 0x7fffffff);
        edge[k] = (k ? edge[k - 1] : 1600) + TONE + LEAST_GAP + (seed >> 8) % 800;
    }
    end = edge[edges - 1] + TONE + 4000;
    for (int i = 0; i < 4; i++)
        open_all(lists[i]);
    if (count != 4)
        fail("one channel each");
    real_time();
    for (int i = 0; i < count; i++) {
        voice(fds[i], DEEP, PIECE);
        p[i] = (struct pollfd){fds[i], POLLIN, 0};
    }
again:
    sent = checked = uneven = unknown = 0;
    memset(ears, 0, sizeof ears);
    in_step(p);
    while (sent < end) {
        uint8_t block[PIECE];
        int blocks = 0;
        if (poll(p, count, 1000) <= 0)
            fail("no audio");
        if ((found = even(p)) < 0)
            unknown++;
        else {
            uneven += !found;
            checked++;
        }
        if (uneven && checked < 20) { /* from the beginning */
            if (++restarts > 50)
                fail("the channels do not stay in step");
            goto again;
        }
        for (int i = 0; i < count; i++) {
            int n, now = 0;
            while ((n = read(fds[i], block, PIECE)) > 0) {
                hear(&ears[i], block, n);
                now++;
            }
            if (n < 0 && errno == EDAHDI_EVENT)
                chan_event(fds[i]);
            blocks = i ? blocks : now;
        }
        for (; blocks > 0; blocks--, sent += PIECE) {
            stream(block, sent, edge, edges);
            for (int i = 0; i < count; i++)
                if (write(fds[i], block, PIECE) != PIECE)
                    fail("write: %s", strerror(errno));
        }
    }
    for (int k = 0; k < ears[FAR_WIRE].seen; k++)
        say("edge", ",\"wire\":%ld,\"a_to_b_ms\":%.3f,\"b_to_a_ms\":%.3f", ears[FAR_WIRE].edges[k] - edge[k],
            k < ears[FAR_B].seen ? (ears[FAR_B].edges[k] - ears[FAR_WIRE].edges[k]) / 8.0 : -1,
            k < ears[FAR_A].seen ? (ears[FAR_A].edges[k] - ears[FAR_WIRE].edges[k]) / 8.0 : -1);
    say("delay", ",\"edges\":%d,\"wire_edges\":%d,\"b_edges\":%d,\"a_edges\":%d,\"foreign_b\":%d,\"foreign_a\":%d,"
        "\"foreign_wire\":%d,\"uneven\":%d,\"unknown\":%d,\"checked\":%d,\"restarts\":%d", edges, ears[FAR_WIRE].seen,
        ears[FAR_B].seen, ears[FAR_A].seen, ears[FAR_B].foreign, ears[FAR_A].foreign, ears[FAR_WIRE].foreign, uneven,
        unknown, checked, restarts);
    return ears[FAR_WIRE].seen == edges && ears[FAR_A].seen == edges && ears[FAR_B].seen == edges ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "loop") && argc == 6)
        return loop(argv[2], number(argv[3]), number(argv[4]), argv[5]);
    if (!strcmp(what, "far") && argc == 3)
        return far_ends(argv[2]);
    if (!strcmp(what, "delay") && argc == 8)
        return delay(argv[2], argv[3], argv[4], argv[5], number(argv[6]), number(argv[7]));
    fputs("usage: bearers loop CHANNELS SECONDS PREFILL poll|timer   (CHANNELS: 1-15,17-31)\n"
          "       bearers far CHANNELS                    (commands: sound, silence, key, report, quit)\n"
          "       bearers delay A B R WIRE EDGES SEED\n", stderr);
    return 3;
}
