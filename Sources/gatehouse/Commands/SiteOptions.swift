import ArgumentParser
import Linux

/// Which site file a command is about.
struct SiteOptions: ParsableArguments {
    @Option(name: .long, help: "The site file. Default: $GATEHOUSE_SITE, else /etc/gatehouse/site.yaml.")
    var site: String?

    var path: String {
        site ?? Environment.value("GATEHOUSE_SITE") ?? "/etc/gatehouse/site.yaml"
    }
}
