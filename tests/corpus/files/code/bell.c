/* bell.c - ring the bell of the lock keeper over a serial line */
#include <stdio.h>
#include <string.h>

#define MAX_STROKES 8 /* more than eight would wake the whole village */

static const char *names[] = { "none", "boat waiting", "gate open", "fire" };

static int strokes_for(const char *reason)
{
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], reason) == 0)
            return (int)i * 2;
    return -1; /* an unknown reason is never rung */
}

int main(int argc, char **argv)
{
    int strokes = argc > 1 ? strokes_for(argv[1]) : 0;

    if (strokes < 0 || strokes > MAX_STROKES) {
        fprintf(stderr, "bell: this is no reason to ring\n");
        return 2;
    }
    while (strokes-- > 0)
        putchar('\a');
    return 0;
}
