// The append only file on disk: redis-server 7.0's multi-part layout, and our annotation lines.
//
// Directory   <dir>/<appenddirname>/ holds
//               <appendfilename>.manifest           which files count, in order (manifest.h)
//               <appendfilename>.<seq>.base.rdb     a snapshot (or .base.aof: the same as commands)
//               <appendfilename>.<seq>.incr.aof     increments: what happened since, in order
//               <appendfilename>.lock               held by the engine that owns them (ours)
//             Temporary names: temp-<appendfilename>.manifest, temp-<appendfilename>.incr,
//             temp-rewriteaof-bg-<pid>.aof.
//
// Commands    RESP arrays of bulk strings: "*<argc>\r\n" and per argument "$<size>\r\n<bytes>\r\n".
//             SELECT precedes a command whenever its database differs from the last one in the file.
//             An atomic step of more than one command is wrapped in MULTI and EXEC.
//
// Annotations Lines that start with '#', at most 1024 bytes, only between commands. Every reader skips
//             those it does not know.
//
//   #TS:<unix seconds>\r\n              the commands after it happened at or after this second
//                                       (aof-timestamp-enabled; redis-server's)
//
// With `aof-checksum yes` two more, which redis-server and redis-check-aof skip:
//
//   #SYNCED:<distance>:<position>:<nonce>:<check>\r\n
//       Everything up to `distance` bytes before this line's first byte was durable when the line was
//       written. `nonce` is 8 hex digits, drawn anew whenever the file is opened for appending;
//       `position` says how many bytes there are between the first #SYNCED line with this nonce (the begin of
//       the session) and this line, first byte to first byte; both numbers are decimal. `check` is the
//       checksum of the line before the last colon, so that the line can be trusted even where its
//       surroundings are damaged, if it is at the position it names. The first such line of a session is
//       itself durable before anything is written after it.
//
//   #CRC:<size>:<check>\r\n
//       The next `size` bytes (decimal) are one atomic step. `check` is the checksum of the nonce in
//       force (its 8 digits), of `<position>:<size>` and of these bytes, `position` being that of this
//       line in its session: a stale block of a deleted file, with the right form and the wrong nonce,
//       does not pass, and neither does one of this file that is at another position.
//
// A checksum is 8 lower-case hex digits: the high half xor the low half of the CRC-64
// (base/crc64.h).
//
// So a tail that a power loss tore (cut it) can be distinguished from damage to what was durable
// (refuse), and a step is in the recovered state whole or not at all. Distances and not offsets:
// files stay readable when they are concatenated, as operators do to go back to a single file.
#pragma once

#include <cstddef>
#include <string_view>

namespace engine::aof {

inline constexpr std::size_t kAnnotationBytesMax = 1024;

inline constexpr std::string_view kTimestampPrefix = "#TS:";
inline constexpr std::string_view kSyncedPrefix = "#SYNCED:";
inline constexpr std::string_view kChecksumPrefix = "#CRC:";

// The first bytes of an RDB preamble, whatever the name of the file.
inline constexpr std::string_view kRdbMagic = "REDIS";

}  // namespace engine::aof
