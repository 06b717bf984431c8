import Gateway
import Linux

extension MetricsReport {
    internal static func writeHTTP2(_ state: SharedState, to output: inout MetricsText) {
        func family(_ name: String, _ help: String, _ word: (Int) -> Int) {
            output.family(.counter, name, help) {
                for (glitch, label) in GlitchCounter.names.enumerated() {
                    $0.sample(name, [("glitch", "\(label)")], state.total(offset: word(glitch)))
                }
            }
        }
        output.single(
            .counter,
            "gatehouse_http2_protocol_errors_total",
            "Connections that ended because the client broke a rule of HTTP/2 itself.",
            state.total(.http2ProtocolErrors)
        )
        family(
            "gatehouse_http2_glitches_total",
            "Frames of clients that are legal a few at a time and a flood when many, by their kind.",
            GlitchCounter.seen
        )
        family(
            "gatehouse_http2_glitch_closes_total",
            "Connections closed because one kind of glitch ran over its budget.",
            GlitchCounter.closures
        )
    }
}
