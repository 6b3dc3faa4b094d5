/* SPDX-License-Identifier: MIT
 * A folder beside the test's program, empty, and the current one from then on. */
#ifndef POSIX_FOLDER_H
#define POSIX_FOLDER_H
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void enter_folder(const char *program)
{
    char name[4096];
    const struct dirent *entry;
    DIR *list;
    if (snprintf(name, sizeof name, "%s.files", program) >= (int)sizeof name) exit(2);
    if (mkdir(name, 0777) != 0) { /* there from the last time */ }
    if (chdir(name) != 0 || (list = opendir(".")) == NULL) { perror(name); exit(2); }
    while ((entry = readdir(list)) != NULL)
        if (entry->d_name[0] != '.' && unlink(entry->d_name) != 0 && rmdir(entry->d_name) != 0) perror(entry->d_name);
    closedir(list);
}
#endif
