import com.google.gson.Gson;
import com.pusher.client.Pusher;
import com.pusher.client.PusherOptions;
import com.pusher.client.channel.Channel;
import com.pusher.client.channel.PresenceChannelEventListener;
import com.pusher.client.channel.PrivateChannelEventListener;
import com.pusher.client.channel.PusherEvent;
import com.pusher.client.channel.User;
import com.pusher.client.connection.ConnectionEventListener;
import com.pusher.client.connection.ConnectionState;
import com.pusher.client.connection.ConnectionStateChange;
import com.pusher.client.util.HttpChannelAuthorizer;
import com.pusher.client.util.HttpUserAuthenticator;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Pusher's own SDK, told by lines on stdin what to do; what it hears is a line of JSON each.
 * Arguments: key, port, authorization endpoint, sign-in endpoint, bearer token or "-".
 */
public final class Driver {
  private static final Gson GSON = new Gson();
  private static Pusher pusher;

  public static void main(String[] args) throws Exception {
    HttpChannelAuthorizer channels = new HttpChannelAuthorizer(args[2]);
    HttpUserAuthenticator users = new HttpUserAuthenticator(args[3]);
    if (!args[4].equals("-")) {
      Map<String, String> headers = Map.of("Authorization", "Bearer " + args[4]);
      channels.setHeaders(headers);
      users.setHeaders(headers);
    }
    PusherOptions options =
        new PusherOptions()
            .setHost("127.0.0.1")
            .setWsPort(Integer.parseInt(args[1]))
            .setUseTLS(false)
            .setChannelAuthorizer(channels)
            .setUserAuthenticator(users);
    pusher = new Pusher(args[0], options);
    pusher.connect(new Connection(), ConnectionState.ALL);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      obey(line.split(" ", 4));
    }
    System.exit(0);
  }

  private static void obey(String[] words) {
    try {
      switch (words[0]) {
        case "public" -> heard(pusher.subscribe(words[1], new Private()));
        case "private" -> heard(pusher.subscribePrivate(words[1], new Private()));
        case "presence" -> heard(pusher.subscribePresence(words[1], new Presence()));
        case "unsubscribe" -> pusher.unsubscribe(words[1]);
        case "trigger" -> pusher.getPrivateChannel(words[1]).trigger(words[2], words[3]);
        case "trigger-presence" -> pusher.getPresenceChannel(words[1]).trigger(words[2], words[3]);
        case "signin" -> {
          pusher.user().bindGlobal(Driver::event);
          pusher.signin();
        }
        default -> say("wrong", words[0], "", "");
      }
    } catch (RuntimeException error) {
      say("fault", error.getClass().getSimpleName(), String.valueOf(error.getMessage()), "");
    }
  }

  private static void heard(Channel channel) {
    channel.bindGlobal(Driver::event);
  }

  private static void event(PusherEvent event) {
    String from = String.valueOf(event.getUserId());
    say("event", String.valueOf(event.getChannelName()), event.getEventName(), event.getData(), from);
  }

  private static synchronized void say(String... words) {
    System.out.println(GSON.toJson(words));
    System.out.flush();
  }

  private static final class Connection implements ConnectionEventListener {
    @Override
    public void onConnectionStateChange(ConnectionStateChange change) {
      String id = String.valueOf(pusher.getConnection().getSocketId());
      say("state", change.getCurrentState().name(), id, "");
    }

    @Override
    public void onError(String message, String code, Exception error) {
      say("error", String.valueOf(code), String.valueOf(message), "");
    }
  }

  private static class Private implements PrivateChannelEventListener {
    @Override
    public void onSubscriptionSucceeded(String channel) {
      say("subscribed", channel, "", "");
    }

    @Override
    public void onAuthenticationFailure(String message, Exception error) {
      say("refused", String.valueOf(message), "", "");
    }

    @Override
    public void onEvent(PusherEvent event) {}
  }

  private static final class Presence extends Private implements PresenceChannelEventListener {
    @Override
    public void onUsersInformationReceived(String channel, Set<User> users) {
      List<String> ids = new ArrayList<>();
      for (User user : users) ids.add(user.getId());
      say("users", channel, String.join(",", ids), "");
    }

    @Override
    public void userSubscribed(String channel, User user) {
      say("came", channel, user.getId(), String.valueOf(user.getInfo()));
    }

    @Override
    public void userUnsubscribed(String channel, User user) {
      say("went", channel, user.getId(), "");
    }
  }
}
