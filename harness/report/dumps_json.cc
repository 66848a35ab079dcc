#include "harness/report/dumps_json.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "harness/base/text.h"

namespace crashpoint::report {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string encode_dumps(const oracle::DumpHistory& history) {
  Json dumps = Json::array();
  for (const std::string& dump : history.expected) {
    dumps.push_back(escape(dump));
  }
  Json acks = Json::array();
  for (const oracle::Acknowledgement& ack : history.acks) {
    acks.push_back({{"position", ack.position},
                    {"at_ns", ack.at_ns},
                    {"what", escape(ack.what)},
                    {"promises", ack.promises}});
  }
  Json passing = Json::array();
  for (const oracle::DumpHistory::Passing& one : history.passing) {
    passing.push_back({{"dump", escape(one.dump)}, {"acked", one.acked}});
  }
  const Json all = {
      {"began_ns", history.began_ns}, {"expected", dumps}, {"acks", acks}, {"passing", passing}};
  return all.dump(1) + "\n";
}

oracle::DumpHistory decode_dumps(const std::string& text) {
  const Json all = Json::parse(text);
  oracle::DumpHistory history;
  all.at("began_ns").get_to(history.began_ns);
  for (const Json& dump : all.at("expected")) {
    history.expected.push_back(unescape(dump.get<std::string>()));
  }
  for (const Json& ack : all.at("acks")) {
    history.acks.push_back({.position = ack.at("position").get<trace::Position>(),
                            .at_ns = ack.at("at_ns").get<std::int64_t>(),
                            .what = unescape(ack.at("what").get<std::string>()),
                            .promises = ack.value("promises", true)});
  }
  for (const Json& one : all.at("passing")) {
    history.passing.push_back({.dump = unescape(one.at("dump").get<std::string>()),
                               .acked = one.at("acked").get<std::size_t>()});
  }
  if (history.expected.size() != history.acks.size() + 1) {
    throw std::runtime_error("\"expected\" must have one more entry than \"acks\"");
  }
  return history;
}

}  // namespace crashpoint::report
