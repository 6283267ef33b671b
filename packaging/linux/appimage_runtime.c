/* What stands before the image in an AppImage of type 2: mounts the image, runs its AppRun, and unmounts it afterwards.
 *
 * The image is SquashFS and begins where this ELF file ends. Where it cannot be mounted (no /dev/fuse, no fusermount3) it
 * is unpacked into a temporary folder, which is removed afterwards. Written for the AppImage specification 2.0, on
 * libsquashfuse and libfuse 3; statically linked, see appimage.py.
 *
 *     --appimage-extract           unpack into squashfs-root, in the current folder
 *     --appimage-extract-and-run   do not mount; so does APPIMAGE_EXTRACT_AND_RUN=1 in the environment
 *     --appimage-mount             mount, say where, and stay until interrupted
 *     --appimage-offset            say at which byte the image begins
 *     --appimage-version           say whose runtime this is
 */
#define _GNU_SOURCE
#include <squashfuse/ll.h>
#include <squashfuse/squashfuse.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The image is compressed with Zstandard. The other ways that squashfuse knows are left out of this file, LZO's above all,
 * whose license (GPL) would be that of the whole. Each says that it failed, as it would of damaged data. */
int lzo1x_decompress_safe(const void *in, size_t size, void *out, size_t *got, void *memory);
int lzo1x_decompress_safe(const void *in, size_t size, void *out, size_t *got, void *memory) {
    (void)in, (void)size, (void)out, (void)got, (void)memory;
    return -1;
}
int LZ4_decompress_safe(const char *in, char *out, int size, int most);
int LZ4_decompress_safe(const char *in, char *out, int size, int most) {
    (void)in, (void)out, (void)size, (void)most;
    return -1;
}
int lzma_stream_buffer_decode(uint64_t *memory, uint32_t flags, const void *allocator, const uint8_t *in, size_t *at,
                              size_t size, uint8_t *out, size_t *put, size_t most);
int lzma_stream_buffer_decode(uint64_t *memory, uint32_t flags, const void *allocator, const uint8_t *in, size_t *at,
                              size_t size, uint8_t *out, size_t *put, size_t most) {
    (void)memory, (void)flags, (void)allocator, (void)in, (void)at, (void)size, (void)out, (void)put, (void)most;
    return 11; /* LZMA_PROG_ERROR */
}
int uncompress(unsigned char *out, unsigned long *most, const unsigned char *in, unsigned long size);
int uncompress(unsigned char *out, unsigned long *most, const unsigned char *in, unsigned long size) {
    (void)out, (void)most, (void)in, (void)size;
    return -3; /* Z_DATA_ERROR */
}

static char self[PATH_MAX];
static size_t image_at;

/* The byte behind the last section header: nothing of this file lies beyond it. 0 where this is no ELF file. */
static size_t end_of_elf(const char *path) {
    Elf64_Ehdr header;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t got = pread(file, &header, sizeof header, 0);
    close(file);
    if (got != (ssize_t)sizeof header || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return 0;
    return header.e_shoff + (size_t)header.e_shentsize * header.e_shnum;
}

/* Like access(3) of a folder, for the one that the system or the person chose for temporary files. */
static const char *temporary_folder(void) {
    const char *chosen = getenv("TMPDIR");
    return chosen && chosen[0] == '/' && access(chosen, W_OK) == 0 ? chosen : "/tmp";
}

/* --- unpacking --- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void remove_folder(const char *path) { nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); }

static bool write_file(sqfs *image, sqfs_inode *inode, const char *path) {
    static char buffer[1 << 17];
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, inode->base.mode & 0777);
    if (file < 0) return false;
    uint64_t size = inode->xtra.reg.file_size;
    for (uint64_t at = 0; at < size;) {
        sqfs_off_t count = sizeof buffer;
        if (sqfs_read_range(image, inode, (sqfs_off_t)at, &count, buffer) != SQFS_OK || count <= 0) {
            errno = EIO;
            break;
        }
        for (sqfs_off_t done = 0; done < count;) {
            ssize_t put = write(file, buffer + done, (size_t)(count - done));
            if (put < 0 && errno == EINTR) continue;
            if (put <= 0) goto failed;
            done += put;
        }
        at += (uint64_t)count;
        if (at >= size) {
            fchmod(file, inode->base.mode & 0777);
            return close(file) == 0;
        }
    }
    if (size == 0) return close(file) == 0;
failed:;
    int why = errno;
    close(file);
    errno = why;
    return false;
}

static bool write_link(sqfs *image, sqfs_inode *inode, const char *path) {
    char target[PATH_MAX];
    size_t size = sizeof target;
    if (sqfs_readlink(image, inode, target, &size) != SQFS_OK) {
        errno = EIO;
        return false;
    }
    unlink(path);
    return symlink(target, path) == 0;
}

static bool unpack_one(sqfs *image, sqfs_inode_id id, const char *path) {
    sqfs_inode inode;
    if (sqfs_inode_get(image, &inode, id) != SQFS_OK) {
        errno = EIO;
        return false;
    }
    if (S_ISDIR(inode.base.mode)) return mkdir(path, 0755) == 0 || errno == EEXIST;
    if (S_ISLNK(inode.base.mode)) return write_link(image, &inode, path);
    return !S_ISREG(inode.base.mode) || write_file(image, &inode, path);
}

/* Writes all of the image below `folder`, which exists. Gives false and errno where it cannot. */
static bool unpack(const char *folder) {
    sqfs image;
    sqfs_traverse walk;
    sqfs_err error = SQFS_OK;
    bool whole = true;
    if (sqfs_open_image(&image, self, image_at) != SQFS_OK) {
        errno = EIO;
        return false;
    }
    if (sqfs_traverse_open(&walk, &image, sqfs_inode_root(&image)) != SQFS_OK) {
        errno = EIO;
        return false;
    }
    while (whole && sqfs_traverse_next(&walk, &error)) {
        char path[PATH_MAX];
        if (walk.dir_end) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, walk.path) >= (int)sizeof path) {
            errno = ENAMETOOLONG;
            whole = false;
        } else {
            whole = unpack_one(&image, sqfs_dentry_inode(&walk.entry), path);
        }
    }
    int why = errno;
    if (error != SQFS_OK) whole = false, why = EIO;
    sqfs_traverse_close(&walk);
    sqfs_destroy(&image);
    errno = why;
    return whole;
}

/* --- mounting --- */

static struct fuse_session *mounted;

static void leave(int number) {
    (void)number;
    if (mounted) fuse_session_exit(mounted);
}

/* Ends the process that serves the mount as soon as nobody holds the other end of `alive`. */
static void *watch(void *alive) {
    struct pollfd end = {.fd = *(int *)alive, .events = 0};
    while (poll(&end, 1, -1) < 0 && errno == EINTR) {}
    kill(getpid(), SIGTERM);
    return NULL;
}

/* Serves the image at `folder` until `alive` is closed. Writes one byte to `ready` once it can be used. */
static void serve(const char *folder, int ready, int alive) {
    sqfs_ll *ll = sqfs_ll_open(self, image_at);
    struct fuse_lowlevel_ops calls = {
        .getattr = sqfs_ll_op_getattr, .opendir = sqfs_ll_op_opendir, .releasedir = sqfs_ll_op_releasedir,
        .readdir = sqfs_ll_op_readdir, .lookup = sqfs_ll_op_lookup, .open = sqfs_ll_op_open,
        .create = sqfs_ll_op_create, .release = sqfs_ll_op_release, .read = sqfs_ll_op_read,
        .readlink = sqfs_ll_op_readlink, .listxattr = sqfs_ll_op_listxattr, .getxattr = sqfs_ll_op_getxattr,
        .forget = sqfs_ll_op_forget, .statfs = stfs_ll_op_statfs,
    };
    char *words[] = {"latchkey", "-oro,nodev,nosuid,fsname=latchkey,subtype=squashfuse", NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(2, words);
    sqfs_ll_chan channel;
    pthread_t watcher;
    if (!ll || sqfs_ll_mount(&channel, folder, &arguments, &calls, sizeof calls, ll) != SQFS_OK) _exit(1);
    mounted = channel.session;
    struct sigaction end = {.sa_handler = leave};
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    signal(SIGINT, SIG_IGN);
    if (pthread_create(&watcher, NULL, watch, &alive) != 0) _exit(1);
    if (write(ready, "!", 1) != 1) _exit(1);
    close(ready);
    fuse_session_loop(mounted);
    sqfs_ll_unmount(&channel, folder);
    umount2(folder, MNT_DETACH);
    rmdir(folder);
    _exit(0);
}

/* Mounts the image at `folder`, for as long as this process and what it becomes live. Gives false where it cannot. */
static bool mount_image(const char *folder) {
    int ready[2], alive[2];
    char said = 0;
    if (access("/dev/fuse", R_OK | W_OK) != 0 || pipe2(ready, O_CLOEXEC) != 0 || pipe(alive) != 0) return false;
    pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        close(ready[0]);
        close(alive[1]);
        setsid();
        dup2(nothing, 0), dup2(nothing, 1), dup2(nothing, 2);
        if (fork() != 0) _exit(0); /* nobody has to wait for it */
        serve(folder, ready[1], alive[0]);
    }
    close(ready[1]);
    close(alive[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    ssize_t got;
    while ((got = read(ready[0], &said, 1)) < 0 && errno == EINTR) {}
    close(ready[0]);
    if (got == 1) return true;
    close(alive[1]);
    return false;
}

/* --- running --- */

static int run(const char *folder, char **arguments) {
    char program[PATH_MAX];
    snprintf(program, sizeof program, "%s/AppRun", folder);
    setenv("APPIMAGE", self, 1);
    setenv("APPDIR", folder, 1);
    setenv("ARGV0", arguments[0], 1);
    arguments[0] = program;
    execve(program, arguments, environ);
    fprintf(stderr, "Latchkey cannot be started from %s: %s.\n", folder, strerror(errno));
    return 127;
}

static pid_t started;

static void pass_on(int number) {
    if (started > 0) kill(started, number);
}

static int unpack_and_run(char **arguments) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/latchkey-XXXXXX", temporary_folder());
    if (!mkdtemp(folder)) {
        fprintf(stderr, "Latchkey cannot be unpacked: no folder can be made in %s (%s).\n", temporary_folder(),
                strerror(errno));
        return 1;
    }
    if (!unpack(folder)) {
        int why = errno;
        remove_folder(folder);
        if (why == ENOSPC || why == EDQUOT)
            fprintf(stderr, "Latchkey cannot be unpacked: %s has no room for it. Set TMPDIR to a folder that has 300 MB.\n",
                    temporary_folder());
        else
            fprintf(stderr, "Latchkey cannot be unpacked into %s: %s.\n", temporary_folder(), strerror(why));
        return 1;
    }
    started = fork();
    if (started == 0) _exit(run(folder, arguments));
    struct sigaction hand = {.sa_handler = pass_on};
    for (size_t each = 0; each < 3; each++) sigaction((int[]){SIGINT, SIGTERM, SIGHUP}[each], &hand, NULL);
    int status = 127 << 8;
    while (started > 0 && waitpid(started, &status, 0) < 0 && errno == EINTR) {}
    remove_folder(folder);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int unpack_here(void) {
    if ((mkdir("squashfs-root", 0755) != 0 && errno != EEXIST) || !unpack("squashfs-root")) {
        fprintf(stderr, "Latchkey cannot be unpacked into squashfs-root: %s.\n", strerror(errno));
        return 1;
    }
    puts("squashfs-root");
    return 0;
}

int main(int count, char **arguments) {
    const char *order = count > 1 ? arguments[1] : "", *unpacked = getenv("APPIMAGE_EXTRACT_AND_RUN");
    char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || (image_at = end_of_elf(self)) == 0) {
        fputs("Latchkey cannot find its own file: /proc is not mounted.\n", stderr);
        return 1;
    }
    if (strcmp(order, "--appimage-offset") == 0) return printf("%zu\n", image_at) < 0;
    if (strcmp(order, "--appimage-version") == 0) return puts("Latchkey's runtime, AppImage type 2") < 0;
    if (strcmp(order, "--appimage-extract") == 0) return unpack_here();
    if (strcmp(order, "--appimage-extract-and-run") == 0) {
        arguments[1] = arguments[0];
        return unpack_and_run(arguments + 1);
    }
    if (unpacked && strcmp(unpacked, "1") == 0) return unpack_and_run(arguments);
    snprintf(folder, sizeof folder, "%s/.mount_latchkey-XXXXXX", temporary_folder());
    if (!mkdtemp(folder)) return unpack_and_run(arguments);
    if (!mount_image(folder)) {
        rmdir(folder);
        return unpack_and_run(arguments);
    }
    if (strcmp(order, "--appimage-mount") == 0) {
        puts(folder);
        fflush(stdout);
        pause();
        return 0;
    }
    return run(folder, arguments);
}
