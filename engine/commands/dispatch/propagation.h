// Decides what of a command is logged: the only place that does.
//
// A command that changed nothing is not logged. What depends on time or chance is logged by its
// result: relative expiry as the absolute time, INCRBYFLOAT as the SET of its result, SPOP as the
// SREM of the members it chose. A key that expired is logged as DEL before the command that
// noticed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/keyspace/effect.h"

namespace engine::commands {

class Context;
struct Settings;

class Propagation {
 public:
  Propagation(keyspace::EffectLog& effects, const Settings& settings)
      : effects_(effects), settings_(settings) {}

  // Between these two everything is one atomic step.
  void begin_transaction() {
    ENGINE_CHECK(!in_transaction_);
    in_transaction_ = true;
  }
  void end_transaction();

  // A command was executed: logs its effect if it had one, with what expired in the meantime.
  // Outside a transaction that ends the step.
  void executed(Context& context);
  // A key was erased by the server, not by a command. Logged with the next executed() or flush(),
  // as UNLINK where such keys are freed lazily.
  void erased(int database, std::string_view key, bool lazily);
  // Logs what is pending: as one step or, if `apart`, each effect as a step of its own.
  void flush(bool apart = false);

 private:
  struct Pending {
    int database;
    std::vector<std::string> argv;
  };

  void emit(int database, std::span<const std::string_view> argv);
  void emit(int database, std::initializer_list<std::string_view> argv) {
    emit(database, std::span<const std::string_view>(argv.begin(), argv.size()));
  }
  void emit_effect_of(Context& context);
  void emit_set(Context& context);
  void emit_expire(Context& context, std::span<const std::string_view> conditions);
  void emit_restore(Context& context);
  void emit_pop(Context& context, std::string_view front, std::string_view back);
  void emit_pop_random(Context& context);
  void emit_geo_add(Context& context);

  keyspace::EffectLog& effects_;
  const Settings& settings_;
  bool in_transaction_ = false;
  std::uint64_t changes_ = 0;  // of the step so far
  std::vector<Pending> pending_;
};

}  // namespace engine::commands
