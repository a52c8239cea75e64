import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/**
 * Starts one node. The stock main class needs a plugin loader that is not published and a security manager that Java no
 * longer has.
 */
public final class Launcher extends Node {
    private Launcher(Environment environment) {
        super(environment, Collections.singletonList(Netty4Plugin.class));
    }

    public static void main(String[] args) throws Exception {
        Path config = Paths.get(System.getProperty("es.path.conf"));
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(Settings.EMPTY, null, dottedVariables(), config);
        LogConfigurator.configure(environment);
        Launcher node = new Launcher(environment);
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, closed)));
        node.start();
        closed.await();
    }

    /** The container's variables with a dot in their name, as in the official image. */
    private static Map<String, String> dottedVariables() {
        Map<String, String> settings = new HashMap<>();
        System.getenv().forEach((name, value) -> {
            if (name.contains(".")) {
                settings.put(name, value);
            }
        });
        settings.put("path.home", System.getProperty("es.path.home"));
        return settings;
    }

    private static void close(Node node, CountDownLatch closed) {
        try {
            node.close();
        } catch (Exception error) {
            error.printStackTrace();
        }
        closed.countDown();
    }
}
