import ArgumentParser
import Site

struct Schema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a site file, for editors."
    )

    func run() throws {
        print(SiteSchema.json())
    }
}
