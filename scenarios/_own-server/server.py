"""A server that crashpoint can test: one string per key, an append-only log, an fsync before each reply.

  python3 server.py DIRECTORY PORT

It answers what scenarios/README.md asks of any target, and nothing more.
"""
import os, socketserver, sys, zlib

data, log_path = {}, os.path.join(sys.argv[1], "log")


def apply(command, key, *value):
    if command == b"SET":
        data[key] = value[0]
    else:
        data.pop(key, None)


def checksum_of(text):
    return b"%08x" % zlib.crc32(text)


def recover():
    """Replays the lines that are whole. A torn one, at the end, was never acknowledged: it is cut off."""
    good = 0
    with open(log_path, "ab+") as log:
        log.seek(0)
        for line in log:
            checksum, _, text = line.partition(b" ")
            if checksum != checksum_of(text):
                break
            apply(*(bytes.fromhex(word.decode()) for word in text.split()))
            good += len(line)
        log.truncate(good)
    os.fsync(os.open(sys.argv[1], os.O_RDONLY))  # the name of the log


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2])
            self.wfile.write(self.answer(words[0].upper(), *words[1:]))

    def answer(self, command, *words):
        def bulk(text):
            return b"$-1\r\n" if text is None else b"$%d\r\n%s\r\n" % (len(text), text)

        if command in (b"SET", b"DEL"):
            found = words[0] in data
            text = b" ".join(word.hex().encode() for word in (command, *words)) + b"\n"
            with open(log_path, "ab") as log:
                log.write(checksum_of(text) + b" " + text)
                log.flush()
                os.fsync(log.fileno())
            apply(command, *words)
            return b"+OK\r\n" if command == b"SET" else b":%d\r\n" % found
        if command == b"GET":
            return bulk(data.get(words[0]))
        if command == b"TYPE":
            return b"+string\r\n" if words[0] in data else b"+none\r\n"
        if command == b"PTTL":
            return b":-1\r\n" if words[0] in data else b":-2\r\n"
        if command == b"INFO":
            return bulk(b"db0:keys=%d\r\n" % len(data) if data else b"")
        if command == b"SCAN":
            return b"*2\r\n" + bulk(b"0") + b"*%d\r\n" % len(data) + b"".join(map(bulk, data))
        if command in (b"PING", b"SELECT"):
            return b"+OK\r\n"
        return b"-ERR unknown command\r\n"


recover()
socketserver.TCPServer.allow_reuse_address = True
with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[2])), Client) as server:
    server.daemon_threads = True
    server.serve_forever()
