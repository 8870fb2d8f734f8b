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

static struct { char name[256]; char text[1024]; } keys[64];
static int key_count;

static void read_keys(const char *folder)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/keys.tsv", folder);
    FILE *in = fopen(path, "r");
    while (in && key_count < 64 &&
           fscanf(in, "%255[^\t]\t%1023[^\n]\n", keys[key_count].name, keys[key_count].text) == 2)
        key_count++;
    if (in)
        fclose(in);
}

static DKIM_CBSTAT lookup(DKIM *dkim, DKIM_SIGINFO *signature, unsigned char *buffer, size_t size)
{
    char name[512];
    (void)dkim;
    snprintf(name, sizeof name, "%s._domainkey.%s", dkim_sig_getselector(signature), dkim_sig_getdomain(signature));
    for (int i = 0; i < key_count; i++)
        if (!strcasecmp(keys[i].name, name)) {
            snprintf((char *)buffer, size, "%s", keys[i].text);
            return DKIM_CBSTAT_CONTINUE;
        }
    return DKIM_CBSTAT_NOTFOUND;
}

static unsigned char *raw;
static size_t raw_size;
static char raw_path[1024];

static bool load(const char *path)
{
    if (!strcmp(path, raw_path))
        return true;
    FILE *in = fopen(path, "rb");
    if (!in)
        return false;
    fseek(in, 0, SEEK_END);
    raw_size = (size_t)ftell(in);
    rewind(in);
    free(raw);
    raw = malloc(raw_size);
    bool whole = raw && fread(raw, 1, raw_size, in) == raw_size;
    fclose(in);
    snprintf(raw_path, sizeof raw_path, "%s", path);
    return whole;
}

/* Whether the message has signatures, and all of them verify */
static bool verify(DKIM_LIB *library)
{
    DKIM_STAT status;
    DKIM_SIGINFO **signatures;
    int count = 0, passed = 0;
    DKIM *dkim = dkim_verify(library, (const unsigned char *)"benchmark", NULL, &status);
    if (!dkim)
        return false;
    if (dkim_chunk(dkim, raw, raw_size) == DKIM_STAT_OK && dkim_chunk(dkim, NULL, 0) == DKIM_STAT_OK) {
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
    printf("ready\t%u.%u.%u\tdkim\n", version >> 24, version >> 16 & 255, version >> 8 & 255);
    fflush(stdout);
    while (scanf(" %31[^\t]\t%1023[^\t]\t%d", job, path, &repeats) == 3) {
        bool passed = false;
        if (!load(path)) {
            printf("error\tcannot read %s\n", path);
        } else {
            double start = now();
            for (int i = 0; i < repeats; i++)
                passed = verify(library);
            printf("%.9f\t%s\n", now() - start, passed ? "pass" : "fail");
        }
        fflush(stdout);
    }
    return 0;
}
