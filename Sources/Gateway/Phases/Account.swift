import Bytes
import Engine
import HTTPWire
import Linux

/// **Phase: account.** Gets an exchange that has ended, well or not. Leaves it counted, logged and ready for
/// the next request; the client's codec goes on to its next message.
extension Exchange {
    internal func account() {
        guard stage != .idle else { return }
        let client = self.client
        settleRequestID()
        let now = worker.loop.nowMicroseconds
        countRequest(now)
        if runtime.plan.accessLog { worker.log.write(self, now: now) }
        if isTunnel { worker.uncount(.tunnelsOpen) }
        stage = .idle
        release()
        worker.giveExchange(self)
        client?.exchangeEnded()
    }

    private func countRequest(_ now: UInt64) {
        switch head.version {
        case .http10: worker.count(.requestsHTTP10)
        case .http11: worker.count(.requestsHTTP11)
        case .http2: worker.count(.requestsHTTP2)
        }
        switch outcome {
        case .refused, .bodyTooLarge, .bodyTooSlow, .serverRefused:
            if let refusal { worker.count(refusal) }
        default: break
        }
        // Without an answer, what is there of a response is an interim one, or a part of a head.
        guard let pool, answerBegun, response.status >= 100, response.status < 600 else { return }
        let first = worker.state.index(worker: worker.index, pool: pool.plan.slot)
        let region = worker.state.region
        region.bump(first + response.status / 100 - 1)
        let duration = now - times.begun
        var bucket = 0
        while bucket < PoolCounter.bounds.count && duration > PoolCounter.bounds[bucket] { bucket += 1 }
        region.bump(first + PoolCounter.buckets + bucket)
        region.bump(first + PoolCounter.sum, by: duration)
    }
}
