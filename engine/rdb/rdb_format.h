// The RDB file, version 10, as redis-server 7.0 writes it and reads it (rdb.c, rdb.h).
//
//   "REDIS0010"                     magic and version: 4 decimal digits
//   FA <string> <string>            aux fields: redis-ver, redis-bits, ctime, used-mem, aof-base
//   per database that is not empty:
//     FE <length db>  FB <length keys> <length keys that expire>
//     per key: [FC <int64 expiry in ms>] [F8 <length idle seconds> | F9 <byte frequency>]
//              <type> <string key> <value>
//   FF                              end
//   8 bytes                         CRC-64 of everything before; 0: no checksum
//
// All numbers little-endian, but for the two marked below.
//
//   length    00xxxxxx                    6 bits
//             01xxxxxx yyyyyyyy           14 bits, big-endian
//             10000000 + 4 bytes          32 bits, big-endian
//             10000001 + 8 bytes          64 bits, big-endian
//             11xxxxxx                    not a length: a string in a special form
//   string    <length> <bytes>, or C0 int8, C1 int16, C2 int32, C3 <length compressed> <length plain>
//             <LZF bytes>
//
// Values by type: the table below. A blob (listpack, ziplist, intset, zipmap) is stored as a
// string, so LZF may wrap it.
//
// A DUMP payload is <type> <value>, 2 bytes of RDB version, 8 bytes of CRC-64 of everything before.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine::rdb {

inline constexpr std::string_view kMagic = "REDIS";
inline constexpr int kVersion = 10;
inline constexpr std::size_t kHeaderBytes = 9;
inline constexpr std::size_t kChecksumBytes = 8;
inline constexpr std::size_t kDumpFooterBytes = 2 + kChecksumBytes;

enum Opcode : std::uint8_t {
  kFunction2 = 0xf5,
  kFunction = 0xf6,
  kModuleAux = 0xf7,
  kIdle = 0xf8,
  kFrequency = 0xf9,
  kAux = 0xfa,
  kResizeDb = 0xfb,
  kExpireMs = 0xfc,
  kExpireSeconds = 0xfd,
  kSelectDb = 0xfe,
  kEof = 0xff,
};

enum ValueType : std::uint8_t {
  kString = 0,             // string
  kList = 1,               // read only: length, strings
  kSet = 2,                // length, strings
  kZset = 3,               // read only: length, (string, ASCII double)
  kHash = 4,               // length, (field string, value string)
  kZset2 = 5,              // length, (string, 8-byte IEEE double), highest score first
  kModule = 6,             // refused
  kModule2 = 7,            // refused
  kHashZipmap = 9,         // read only: blob
  kListZiplist = 10,       // read only: blob
  kSetIntset = 11,         // blob
  kZsetZiplist = 12,       // read only: blob
  kHashZiplist = 13,       // read only: blob
  kListQuicklist = 14,     // read only: length, ziplist blobs
  kStreamListpacks = 15,   // refused
  kHashListpack = 16,      // blob
  kZsetListpack = 17,      // blob
  kListQuicklist2 = 18,    // length, (length container: 1 plain, 2 packed; string)
  kStreamListpacks2 = 19,  // refused
};

inline constexpr std::uint64_t kContainerPlain = 1;
inline constexpr std::uint64_t kContainerPacked = 2;

// The first bits of a length, and the special forms of a string.
inline constexpr std::uint8_t kLength14 = 0x40;
inline constexpr std::uint8_t kLength32 = 0x80;
inline constexpr std::uint8_t kLength64 = 0x81;
inline constexpr std::uint8_t kSpecial = 0xc0;
inline constexpr std::uint8_t kInt8 = 0;
inline constexpr std::uint8_t kInt16 = 1;
inline constexpr std::uint8_t kInt32 = 2;
inline constexpr std::uint8_t kLzf = 3;

// Old ASCII doubles: a length byte, or one of these.
inline constexpr std::uint8_t kAsciiNan = 253;
inline constexpr std::uint8_t kAsciiPlusInf = 254;
inline constexpr std::uint8_t kAsciiMinusInf = 255;

}  // namespace engine::rdb
