/* Sends a byte, to itself or as $1 says, once it has written the file "state":
 *   pair    by socketpair(2)
 *   child   to a child, by socketpair(2)
 *   unix    through a listening socket of its own
 *   tcp     the same, on the loopback interface; and back
 *   output  a line of that file to its standard output, by sendfile(2)
 *   PORT    to whoever listens there on the loopback interface */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok) {
  if (!ok) {
    abort();
  }
}

static void pass_byte(int from, int to) {
  char byte = 0;
  must(send(from, "x", 1, MSG_NOSIGNAL) == 1 && recv(to, &byte, 1, 0) == 1 && byte == 'x');
}

static void through(int family, struct sockaddr* address, socklen_t size) {
  const int listener = socket(family, SOCK_STREAM, 0);
  must(listener >= 0 && bind(listener, address, size) == 0 && listen(listener, 1) == 0);
  size = sizeof(struct sockaddr_un);
  must(getsockname(listener, address, &size) == 0);
  const int client = socket(family, SOCK_STREAM, 0);
  must(client >= 0 && connect(client, address, size) == 0);
  must(send(client, "y", 1, 0) == 1); /* before it is accepted */
  const int server = accept(listener, NULL, NULL);
  char byte = 0;
  must(server >= 0 && recv(server, &byte, 1, 0) == 1);
  pass_byte(client, server);
  pass_byte(server, client);
}

int main(int argc, char** argv) {
  must(argc == 2);
  const int file = open("state", O_RDWR | O_CREAT, 0644);
  must(file >= 0 && write(file, "v", 1) == 1);
  struct sockaddr_un local = {0}; /* room for both */
  struct sockaddr_in internet = {.sin_family = AF_INET};
  internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int ends[2] = {-1, -1};
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  if (strcmp(argv[1], "pair") == 0) {
    pass_byte(ends[0], ends[1]);
  } else if (strcmp(argv[1], "child") == 0) {
    if (fork() == 0) {
      pass_byte(ends[1], ends[0]);
      _exit(0);
    }
    int status = 0;
    must(wait(&status) > 0 && status == 0);
  } else if (strcmp(argv[1], "unix") == 0) {
    local.sun_family = AF_UNIX;
    through(AF_UNIX, (struct sockaddr*)&local, sizeof local.sun_family); /* the kernel names it */
  } else if (strcmp(argv[1], "tcp") == 0) {
    memcpy(&local, &internet, sizeof internet);
    through(AF_INET, (struct sockaddr*)&local, sizeof internet);
  } else if (strcmp(argv[1], "output") == 0) {
    off_t begin = 0;
    must(write(file, "\n", 1) == 1 && sendfile(STDOUT_FILENO, file, &begin, 2) == 2);
  } else {
    internet.sin_port = htons((unsigned short)atoi(argv[1]));
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(client, (struct sockaddr*)&internet, sizeof internet) == 0);
    must(send(client, "x", 1, 0) == 1);
  }
  return 0;
}
