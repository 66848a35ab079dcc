// How long the oracle takes to prepare a history and to judge recovered states. Run it through
// scripts/bench oracle.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/oracle/resp/judge.h"
#include "harness/oracle/resp/model.h"
#include "harness/workload/generator.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {
namespace {

using workload::Generate;
using workload::History;
using workload::Operation;

constexpr std::int64_t kUs = 1000;

// What a run of `generate` leaves behind when each client answers in turn; replies as the model
// gives them.
History make_history(const Generate& generate) {
  workload::Generator generator(generate, 1, 0);
  Model model((target::State()));
  History history;
  history.began_unix_ms = 1'700'000'000'000;
  std::vector<std::vector<Operation>> by_client(generate.clients);
  std::int64_t now_ns = 0;
  for (std::uint32_t busy = generate.clients; busy > 0;) {
    busy = 0;
    for (std::uint32_t client = 0; client < generate.clients; ++client) {
      std::vector<workload::Arguments> commands = generator.next(client);
      if (commands.empty()) {
        continue;
      }
      ++busy;
      std::vector<target::RespValue> results;
      const bool transaction = commands.size() > 1;
      for (workload::Arguments& arguments : commands) {
        Operation& operation = by_client[client].emplace_back();
        operation.client = client;
        operation.index = by_client[client].size() - 1;
        operation.arguments = std::move(arguments);
        operation.sent_ns = now_ns += kUs;
        Executed executed = model.execute(
            {.database = 0, .arguments = operation.arguments, .reply = nullptr, .when = {}});
        target::RespValue reply = executed.reply.value_or(
            target::RespValue{.kind = target::RespValue::Kind::kSimple, .text = "OK"});
        const std::string& name = operation.arguments.front();
        if (name == "EXEC") {
          reply = {.kind = target::RespValue::Kind::kArray, .items = std::exchange(results, {})};
        } else if (transaction && name != "MULTI") {
          results.push_back(std::move(reply));
          reply = {.kind = target::RespValue::Kind::kSimple, .text = "QUEUED"};
        }
        operation.reply = std::move(reply);
        // All clients overlap.
        operation.acked_ns = operation.read_ns = now_ns + std::int64_t{2} * generate.clients * kUs;
      }
    }
  }
  for (std::vector<Operation>& operations : by_client) {
    std::ranges::move(operations, std::back_inserter(history.operations));
  }
  history.ended_ns = now_ns + kUs * 1000;
  return history;
}

Generate shape(std::int64_t count, std::int64_t clients) {
  return {.count = static_cast<std::uint64_t>(count),
          .clients = static_cast<std::uint32_t>(clients),
          .pipeline = 1,
          .keys = static_cast<std::uint32_t>(std::min<std::int64_t>(count, 10'000)),
          .value_bytes_min = 64,
          .value_bytes_max = 64};
}

void prepare(benchmark::State& bench) {
  const History history = make_history(shape(bench.range(0), bench.range(1)));
  for ([[maybe_unused]] auto step : bench) {
    const Judge judge(history);
    benchmark::DoNotOptimize(&judge);
  }
  bench.counters["commands"] = static_cast<double>(history.operations.size());
}

void judge_kept(benchmark::State& bench) {
  const History history = make_history(shape(bench.range(0), bench.range(1)));
  const Judge judge(history);
  const target::State recovered = judge.final_state();
  if (judge.guarantee(recovered, {}).outcome != Outcome::kPass) {
    bench.SkipWithError("the state should keep the promise");
  }
  for ([[maybe_unused]] auto step : bench) {
    benchmark::DoNotOptimize(judge.guarantee(recovered, {}));
  }
  bench.counters["keys"] = static_cast<double>(recovered.entries.size());
}

void judge_prefix(benchmark::State& bench) {
  const History history = make_history(shape(bench.range(0), bench.range(1)));
  const Judge judge(history);
  const target::State recovered = judge.final_state();
  for ([[maybe_unused]] auto step : bench) {
    benchmark::DoNotOptimize(judge.guarantee(recovered, {.kind = Guarantee::Kind::kPrefix}));
  }
  bench.counters["keys"] = static_cast<double>(recovered.entries.size());
}

void explain_broken(benchmark::State& bench) {
  const History history = make_history(shape(bench.range(0), bench.range(1)));
  const Judge judge(history);
  target::State recovered = judge.final_state();
  recovered.entries.erase(recovered.entries.begin());
  for ([[maybe_unused]] auto step : bench) {
    benchmark::DoNotOptimize(judge.guarantee(recovered, {}));
  }
}

void scales(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"commands", "clients"})->Unit(benchmark::kMillisecond);
  for (const std::int64_t clients : {1, 4}) {
    for (std::int64_t count = 1000; count <= 1'000'000; count *= 10) {
      bench->Args({count, clients});
    }
  }
}

BENCHMARK(prepare)->Apply(scales);
BENCHMARK(judge_kept)->Apply(scales);
BENCHMARK(judge_prefix)->Apply(scales);
BENCHMARK(explain_broken)->Apply(scales);

}  // namespace
}  // namespace crashpoint::oracle

BENCHMARK_MAIN();
