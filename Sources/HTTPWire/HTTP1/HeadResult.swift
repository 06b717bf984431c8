/// What a head parser found.
package enum HeadResult: Equatable, Sendable {
    /// The head goes on beyond the input: call again with the same bytes and more behind them.
    case incomplete
    /// The head is filled. Its bytes, the empty line included, are the first `consumed` of the input.
    case complete(consumed: Int)
    /// Answer with the refusal's status and close: where the next message starts is not known.
    case refused(Refusal)
}
