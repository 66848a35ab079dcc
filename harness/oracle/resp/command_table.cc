#include "harness/oracle/resp/command_table.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

namespace crashpoint::oracle {
namespace {

// Upper case of a command's name; empty for what is no name of any command.
class UpperName {
 public:
  explicit UpperName(std::string_view name) {
    if (name.size() > letters_.size()) {
      return;
    }
    size_ = name.size();
    std::ranges::transform(name, letters_.begin(), [](unsigned char letter) {
      return static_cast<char>(std::toupper(letter));
    });
  }
  [[nodiscard]] std::string_view view() const { return {letters_.data(), size_}; }

 private:
  std::array<char, 24> letters_{};
  std::size_t size_ = 0;
};

constexpr std::string_view kWithoutEffect[] = {
    // Reads.
    "BITCOUNT", "BITFIELD_RO", "BITPOS", "DBSIZE", "EXISTS", "EXPIRETIME", "GEODIST", "GEOHASH",
    "GEOPOS", "GEOSEARCH", "GET", "GETBIT", "GETRANGE", "HEXISTS", "HGET", "HGETALL", "HKEYS",
    "HLEN", "HMGET", "HRANDFIELD", "HSCAN", "HSTRLEN", "HVALS", "KEYS", "LCS", "LINDEX", "LLEN",
    "LPOS", "LRANGE", "MGET", "OBJECT", "PEXPIRETIME", "PFCOUNT", "PTTL", "RANDOMKEY", "SCAN",
    "SCARD", "SDIFF", "SINTER", "SINTERCARD", "SISMEMBER", "SMEMBERS", "SMISMEMBER", "SORT_RO",
    "SRANDMEMBER", "SSCAN", "STRLEN", "SUBSTR", "SUNION", "TOUCH", "TTL", "TYPE", "XINFO", "XLEN",
    "XPENDING", "XRANGE", "XREAD", "XREVRANGE", "ZCARD", "ZCOUNT", "ZDIFF", "ZINTER", "ZINTERCARD",
    "ZLEXCOUNT", "ZMSCORE", "ZRANDMEMBER", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZRANK",
    "ZREVRANGE", "ZREVRANGEBYLEX", "ZREVRANGEBYSCORE", "ZREVRANK", "ZSCAN", "ZSCORE", "ZUNION",
    // The server.
    "ACL", "BGREWRITEAOF", "BGSAVE", "CLUSTER", "COMMAND", "CONFIG", "INFO", "LASTSAVE", "LATENCY",
    "LOLWUT", "MEMORY", "ROLE", "SAVE", "SHUTDOWN", "SLOWLOG", "TIME",
    // The connection. Transactions are taken apart before the model sees them.
    "AUTH", "CLIENT", "DISCARD", "ECHO", "EXEC", "MULTI", "PING", "PUBLISH", "PUBSUB", "QUIT",
    "RESET", "SELECT", "UNWATCH", "WAIT", "WATCH"};

}  // namespace

const Command* find_writing_command(std::string_view name) {
  static const auto kCommands = [] {
    boost::unordered_flat_map<std::string_view, const Command*> commands;
    for (const auto family : {string_commands(), bit_commands(), list_commands(), set_commands(),
                              hash_commands(), sorted_set_commands(), sorted_set_range_commands(),
                              key_commands(), sort_commands(), server_commands()}) {
      for (const Command& command : family) {
        commands.emplace(command.name, &command);
      }
    }
    return commands;
  }();
  const auto found = kCommands.find(UpperName(name).view());
  return found == kCommands.end() ? nullptr : found->second;
}

bool is_known_without_effect(std::string_view name) {
  static const boost::unordered_flat_set<std::string_view> kNames(std::begin(kWithoutEffect),
                                                                  std::end(kWithoutEffect));
  return kNames.contains(UpperName(name).view());
}

void append_keys(const Command& command, std::span<const std::string> arguments,
                 std::uint32_t database, std::vector<target::Key>& keys) {
  if (command.list_keys != nullptr) {
    command.list_keys(arguments, database, keys);
    return;
  }
  if (command.keys.first == 0) {
    return;
  }
  const auto count = static_cast<int>(arguments.size());
  const int last = command.keys.last < 0 ? count + command.keys.last : command.keys.last;
  for (int at = command.keys.first; at <= last && at < count; at += command.keys.step) {
    keys.push_back({database, arguments[static_cast<std::size_t>(at)]});
  }
}

bool rests_on_everything(const Command& command, std::span<const std::string> arguments) {
  const auto any = [&](auto matches) {
    return arguments.size() > 1 && std::ranges::any_of(arguments.subspan(1), matches);
  };
  if (command.name == "DEBUG") {
    return any([](const std::string& word) { return same_word(word, "POPULATE"); });
  }
  if (command.name == "SORT") {  // BY and GET with patterns read whatever they match
    return any([](const std::string& word) { return same_word(word, "STORE"); }) &&
           any([](const std::string& word) { return word.find('*') != std::string::npos; });
  }
  return command.is_global;
}

void append_counted_keys(std::span<const std::string> arguments, std::size_t numkeys_at,
                         std::uint32_t database, std::vector<target::Key>& keys) {
  if (numkeys_at >= arguments.size()) {
    return;
  }
  const std::int64_t numkeys = parse_integer(arguments[numkeys_at]).value_or(0);
  const std::span<const std::string> rest = arguments.subspan(numkeys_at + 1);
  for (std::size_t at = 0; at < rest.size() && static_cast<std::int64_t>(at) < numkeys; ++at) {
    keys.push_back({database, rest[at]});
  }
}

}  // namespace crashpoint::oracle
