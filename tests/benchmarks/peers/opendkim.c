/* OpenDKIM's library as a peer of the benchmarks: see python.py for the lines that are read and written.
   Argument: the folder of the corpus. Build: cc -O2 opendkim.c -lopendkim */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <time.h>
#include <opendkim/dkim.h>

struct key { char name[256]; char text[1024]; };
static struct key keys[2048];
static int key_count;

static int by_name(const void *one, const void *other)
{
    return strcasecmp(((const struct key *)one)->name, ((const struct key *)other)->name);
}

static void read_keys(const char *folder)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/keys.tsv", folder);
    FILE *in = fopen(path, "r");
    while (in && key_count < 2048 &&
           fscanf(in, "%255[^\t]\t%1023[^\n]\n", keys[key_count].name, keys[key_count].text) == 2)
        key_count++;
    if (in)
        fclose(in);
    qsort(keys, (size_t)key_count, sizeof *keys, by_name);
}

static DKIM_CBSTAT lookup(DKIM *dkim, DKIM_SIGINFO *signature, unsigned char *buffer, size_t size)
{
    static struct key wanted;
    (void)dkim;
    snprintf(wanted.name, sizeof wanted.name, "%s._domainkey.%s", dkim_sig_getselector(signature),
             dkim_sig_getdomain(signature));
    struct key *found = bsearch(&wanted, keys, (size_t)key_count, sizeof *keys, by_name);
    if (!found)
        return DKIM_CBSTAT_NOTFOUND;
    snprintf((char *)buffer, size, "%s", found->text);
    return DKIM_CBSTAT_CONTINUE;
}

static struct { unsigned char *raw; size_t size; } mails[1024];
static int mail_count;
static char loaded[1024];

static bool load_one(const char *path)
{
    FILE *in = mail_count < 1024 ? fopen(path, "rb") : NULL;
    if (!in)
        return false;
    fseek(in, 0, SEEK_END);
    size_t size = (size_t)ftell(in);
    rewind(in);
    unsigned char *raw = malloc(size);
    bool whole = raw && fread(raw, 1, size, in) == size;
    fclose(in);
    mails[mail_count].raw = raw;
    mails[mail_count++].size = size;
    return whole;
}

/* Load a message, or those that a mix lists */
static bool load(const char *path)
{
    if (!strcmp(path, loaded))
        return true;
    while (mail_count)
        free(mails[--mail_count].raw);
    snprintf(loaded, sizeof loaded, "%s", path);
    const char *end = strrchr(path, '.');
    if (!end || strcmp(end, ".tsv"))
        return load_one(path);
    FILE *list = fopen(path, "r");
    char each[1024];
    bool whole = list != NULL;
    while (whole && fscanf(list, "%1023[^\t]%*[^\n]\n", each) == 1)
        whole = load_one(each);
    if (list)
        fclose(list);
    return whole;
}

/* Whether the message has signatures, and all of them verify */
static bool verify(DKIM_LIB *library, const unsigned char *raw, size_t raw_size)
{
    DKIM_STAT status;
    DKIM_SIGINFO **signatures;
    int count = 0, passed = 0;
    DKIM *dkim = dkim_verify(library, (const unsigned char *)"benchmark", NULL, &status);
    if (!dkim)
        return false;
    if (dkim_chunk(dkim, (unsigned char *)raw, raw_size) == DKIM_STAT_OK && dkim_chunk(dkim, NULL, 0) == DKIM_STAT_OK) {
        dkim_eom(dkim, NULL);
        if (dkim_getsiglist(dkim, &signatures, &count) == DKIM_STAT_OK)
            for (int i = 0; i < count; i++)
                passed += DKIM_SIG_CHECK(signatures[i]);
    }
    dkim_free(dkim);
    return count > 0 && passed == count;
}

static double now(void)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return (double)moment.tv_sec + (double)moment.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    char job[32], path[1024];
    int repeats;
    DKIM_LIB *library = dkim_init(NULL, NULL);
    if (argc < 2 || !library)
        return 1;
    read_keys(argv[1]);
    dkim_set_key_lookup(library, lookup);
    unsigned int version = dkim_libversion();
    printf("ready\t%u.%u.%u\tdkim\tmix-dkim\n", version >> 24, version >> 16 & 255, version >> 8 & 255);
    fflush(stdout);
    while (scanf(" %31[^\t]\t%1023[^\t]\t%d", job, path, &repeats) == 3) {
        bool passed = true;
        if (!load(path)) {
            printf("error\tcannot read %s\n", path);
        } else {
            double start = now();
            for (int i = 0; i < repeats; i++)
                for (int n = 0; n < mail_count; n++)
                    passed &= verify(library, mails[n].raw, mails[n].size);
            printf("%.9f\t%s\n", now() - start, passed ? "pass" : "fail");
        }
        fflush(stdout);
    }
    return 0;
}
